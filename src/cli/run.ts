import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import type { Peer } from '../region/start/peers.ts';
import { readPackageVersion } from './package-version.ts';

interface RunOptions {
  readonly region: string;
  readonly node?: string;
  readonly config?: string;
  readonly seed?: string;
  readonly join?: readonly Peer[];
  readonly bundle?: string;
  readonly state: string;
}

export function define(command: Command): void {
  command
    .requiredOption('--region <name>', 'the region that this node is of')
    .option('--node <name>', 'which node of the region, where it has several')
    .option('--config <file>', 'configuration; without it the last snapshot is served')
    .option('--seed <id>', 'make the file a revision of the store, once for this id')
    .option(
      '--join <region@address>',
      'a node to take the configuration from, `eu-west-1@192.0.2.7:9443`; repeatable',
      collectPeer,
    )
    .option('--bundle <file>', 'an exported bundle to start from, where nobody can be asked')
    .option('--state <dir>', 'folder of snapshots and logs', 'meridian-state')
    .addHelpText(
      'after',
      '\nSIGTERM drains for the longest TTL + 2 s, then ends; SIGINT ends at once; SIGHUP reloads.\nMERIDIAN_SECRET_KEY_FILE (or MERIDIAN_SECRET_KEY) gives the key that secrets are sealed with,\nMERIDIAN_ADMIN_TOKEN_FILE names the file of the token for changes by the admin API,\nMERIDIAN_STORE_SECRET_FILE that of the password of the store, where it has one.',
    )
    .action(run);
}

async function run(options: RunOptions): Promise<void> {
  const { region, node, config, seed, join, bundle, state } = options;
  const { runNode } = await import('../region/run-node.ts');
  const { watchNpm } = await import('../stack/npm-watch.ts');
  // As SIGTERM to npm would, if npm passed it on: drain, then end.
  watchNpm(() => process.kill(process.pid, 'SIGTERM'));
  const outerKeys = {
    path: process.env.MERIDIAN_SECRET_KEY_FILE,
    text: process.env.MERIDIAN_SECRET_KEY,
  };
  delete process.env.MERIDIAN_SECRET_KEY; // not for threads, nor for children
  await runNode({
    region,
    node,
    configPath: config,
    seed,
    join,
    bundlePath: bundle,
    outerKeys,
    stateDirectory: resolve(state),
    adminTokenPath: process.env.MERIDIAN_ADMIN_TOKEN_FILE,
    storeSecretPath: process.env.MERIDIAN_STORE_SECRET_FILE,
    version: readPackageVersion(),
  });
}

const defaultLinkPort = 9443;

function collectPeer(text: string, earlier: readonly Peer[] = []): readonly Peer[] {
  const match = /^([a-z0-9-]+)@([^\s@/]+?)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[3] ?? defaultLinkPort);
  if (!match || port < 1 || port > 65_535) {
    throw new InvalidArgumentError('Expected REGION@ADDRESS or REGION@ADDRESS:PORT.');
  }
  return [...earlier, { region: match[1]!, host: match[2]!, port }];
}
