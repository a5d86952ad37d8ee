import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readPackageVersion } from './package-version.ts';

interface RunOptions {
  readonly region: string;
  readonly config?: string;
  readonly state: string;
}

export function define(command: Command): void {
  command
    .requiredOption('--region <name>', 'the region that this node is of')
    .option('--config <file>', 'configuration; without it the last snapshot is served')
    .option('--state <dir>', 'folder of snapshots and logs', 'meridian-state')
    .addHelpText(
      'after',
      '\nSIGTERM drains for the longest TTL + 2 s, then ends; SIGINT ends at once.\nMERIDIAN_ADMIN_TOKEN_FILE names the file of the token for changes by the admin API,\nMERIDIAN_STORE_SECRET_FILE that of the password of the store, where it has one.',
    )
    .action(run);
}

async function run({ region, config, state }: RunOptions): Promise<void> {
  const { runNode } = await import('../region/run-node.ts');
  const { watchNpm } = await import('../stack/npm-watch.ts');
  // As SIGTERM to npm would, if npm passed it on: drain, then end.
  watchNpm(() => process.kill(process.pid, 'SIGTERM'));
  await runNode({
    region,
    configPath: config,
    stateDirectory: resolve(state),
    adminTokenPath: process.env.MERIDIAN_ADMIN_TOKEN_FILE,
    storeSecretPath: process.env.MERIDIAN_STORE_SECRET_FILE,
    version: readPackageVersion(),
  });
}
