import type { Command } from 'commander';
import { addJsonOption } from './options.ts';
import { counted, print, printJson } from './output.ts';

export function define(command: Command): void {
  addJsonOption(command)
    .argument('<file>', 'configuration: YAML, JSON or TypeScript')
    .addHelpText('after', '\nPrints every error of the file as FILE:LINE:COLUMN: FIELD: MESSAGE.')
    .action(check);
}

async function check(file: string, { json }: { json?: boolean }): Promise<void> {
  const { loadConfig } = await import('../config/load.ts');
  const { ConfigError } = await import('../config/config-error.ts');
  const { checkZones } = await import('../dns/zone/check.ts');
  try {
    const { config, revision } = await loadConfig(file);
    await checkZones(config, file);
    const counts = {
      regions: Object.keys(config.regions).length,
      services: Object.keys(config.services).length,
      routes: config.routes.length,
      zones: Object.keys(config.zones).length,
    };
    if (json) return printJson({ valid: true, file, revision, ...counts });
    const summary = Object.entries(counts).map(([what, count]) =>
      counted(count, what.slice(0, -1)),
    );
    print(`${file}: valid (${summary.join(', ')}), revision ${revision.slice(0, 12)}`);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    if (json) printJson({ valid: false, file, issues: error.issues });
    else print(error.message);
    process.exitCode = 1;
  }
}
