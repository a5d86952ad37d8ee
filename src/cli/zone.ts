import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { codeOf, messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { type AdminOptions, addAskOptions, connectAdmin } from './admin-connection.ts';
import { addJsonOption } from './options.ts';
import { counted, print, printJson } from './output.ts';

export function define(command: Command): void {
  addJsonOption(command.command('check'))
    .description('validate a zone file, with the files that it includes')
    .argument('<file>', 'master file (RFC 1035)')
    .option('--origin <name>', 'the zone; default: the owner of its SOA')
    .addHelpText('after', '\nPrints every error and warning as FILE:LINE: MESSAGE.')
    .action(check);
  addAskOptions(command.command('export'))
    .description('print a zone as a master file')
    .argument('<name>', 'name of the zone')
    .option('--config <file>', 'of this configuration; default: the one that a node runs')
    .addHelpText(
      'after',
      '\nSteered record sets are printed as for a client without location, everything healthy.',
    )
    .action(exportZone);
}

interface CheckOptions {
  readonly origin?: string;
  readonly json?: boolean;
}

async function check(file: string, { origin, json }: CheckOptions): Promise<void> {
  const { readZoneTexts } = await import('../config/zone-files.ts');
  const { parseName } = await import('../dns/wire/name.ts');
  const { formatProblems } = await import('../dns/zone-file/problems.ts');
  const { checkZoneFile } = await import('../dns/zone-file/zone-file.ts');
  const apex = origin === undefined ? undefined : typed(() => parseName(origin));
  const contents = await readZoneTexts(file);
  const include = (name: string) => (Object.hasOwn(contents, name) ? contents[name] : undefined);
  const text = include(basename(file)) ?? '';
  const { zone, problems, hasErrors } = checkZoneFile({ file, text, origin: apex, include });
  const records = [...(zone?.nodes.values() ?? [])].flat().flatMap((set) => set.records).length;
  const counts = { names: zone?.nodes.size ?? 0, records };
  if (hasErrors) process.exitCode = 1;
  if (json) {
    const name = zone?.apex.toString();
    return printJson({ valid: !hasErrors, file, zone: name, ...counts, problems });
  }
  if (problems.length > 0) print(formatProblems(problems));
  if (!zone && origin === undefined) print('(name the zone: --origin example.com)');
  if (hasErrors) return;
  const size = `${counted(counts.names, 'name')}, ${counted(counts.records, 'record')}`;
  print(`${file}: valid (zone ${zone?.apex}: ${size})`);
}

interface ExportOptions extends AdminOptions {
  readonly config?: string;
}

async function exportZone(name: string, options: ExportOptions): Promise<void> {
  const writer = await import('../dns/zone-file/export.ts');
  const { config, serial } = await configurationOf(options);
  const text = typed(() => writer.exportZone(config, name, serial));
  if (options.json) printJson({ zone: name, serial, text });
  else process.stdout.write(text);
}

/** With the serial that a node which runs it has. */
async function configurationOf(
  options: ExportOptions,
): Promise<{ readonly config: Config; readonly serial: number }> {
  if (options.config !== undefined) {
    const { loadConfig } = await import('../config/load.ts');
    const { config } = await loadConfig(options.config);
    const { mtimeMs } = await stat(options.config);
    return { config, serial: Math.floor(mtimeMs / 1_000) };
  }
  const { acceptDocument } = await import('../config/document.ts');
  const { readDocument } = await import('./current-revision.ts');
  const { document, serial } = await readDocument(await connectAdmin(options), undefined);
  const { config } = acceptDocument(document, 'the configuration');
  return { config, serial };
}

/** Names of zones are typed: what is wrong with them is bad usage. */
function typed<T>(step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (codeOf(error) !== 'bad_name' && codeOf(error) !== 'bad_lookup') throw error;
    throw new InvalidArgumentError(messageOf(error));
  }
}
