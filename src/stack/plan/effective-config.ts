import { dirname } from 'node:path';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { type Relocation, relocate } from '../../config/relocate.ts';
import type { Config } from '../../config/schema/config.ts';
import { storeSites } from '../../store/nats-server/sites.ts';
import type { FoundStack } from '../control/client.ts';
import { failStack } from '../errors.ts';
import { withNodes } from './nodes.ts';

/** What a stack makes of any configuration: the same for the file of `up` and for one applied later. */
export interface StackShape {
  readonly relocation: Relocation;
  /** Of each region that serves; undefined where the configuration decides. */
  readonly nodes: number | undefined;
}

/** URLs of the store servers of each region, which its nodes connect to. */
export type StoreServers = Readonly<Record<string, string[]>>;

/** What the nodes of a stack run, and what the stack has to run for them. */
export interface EffectiveConfig {
  readonly config: Config;
  /** The same as a configuration file (JSON). */
  readonly text: string;
  /** The folder of the configuration file. */
  readonly directory: string;
  /** The file and its revision, as `meridian check` tells it. */
  readonly source: { readonly file: string; readonly revision: string };
  /** Those that the stack runs; undefined for the memory engine, and where the configuration names them. */
  readonly storeServers: StoreServers | undefined;
}

/**
 * Reads a configuration, moves it, and fills in what a stack provides: its nodes and its
 * store servers.
 *
 * @throws ConfigError, or MeridianError `relocation_out_of_range`, `nodes_unplaceable` or
 *   `store_tls_unsupported`.
 */
export async function effectiveConfig(file: string, shape: StackShape): Promise<EffectiveConfig> {
  const { config, input, path, revision } = await loadConfig(file);
  const shaped = shapedDocument(input, path, shape);
  const storeServers = needsStore(config) ? serversOf(parsed(shaped, path).config) : undefined;
  const document = storeServers ? withStore(shaped, storeServers) : shaped;
  return {
    config: parsed(document, path).config,
    text: `${JSON.stringify(document, null, 2)}\n`,
    directory: dirname(path),
    source: { file: path, revision },
    storeServers,
  };
}

/** A configuration as the nodes of a running stack are to get it. */
export interface EffectiveFile {
  /** As written, moved and filled in: what is applied. */
  readonly document: unknown;
  readonly config: Config;
  /** What a node that runs `document` calls it. */
  readonly revision: string;
}

/**
 * Reads a configuration for a stack that runs: moved as its `up` moved the first one, with
 * the same nodes per region and the store servers that it runs.
 *
 * @throws ConfigError, or MeridianError as `effectiveConfig`; `stack_not_running` for a
 *   stack of another version.
 */
export async function effectiveFileFor(stack: FoundStack, file: string): Promise<EffectiveFile> {
  const { shape } = stack.record;
  if (!shape) {
    return failStack(
      'stack_not_running',
      `the stack on ${stack.layout.directory} was not started by this version; start it anew`,
    );
  }
  const { config, input, path } = await loadConfig(file);
  const { relocation, nodes, storeServers } = shape;
  const shaped = shapedDocument(input, path, { relocation, nodes });
  const document =
    storeServers && needsStore(config)
      ? withStore(shaped, serversOf(parsed(shaped, path).config, storeServers))
      : shaped;
  const effective = parsed(document, path);
  return { document, config: effective.config, revision: effective.revision };
}

function shapedDocument(input: unknown, path: string, { relocation, nodes }: StackShape): unknown {
  const moved = relocate(input, relocation);
  return nodes === undefined ? moved : withNodes(moved, parsed(moved, path).config, nodes);
}

/** Moving can make endpoints or addresses meet that were apart: validated again. */
function parsed(document: unknown, path: string): { config: Config; revision: string } {
  return parseConfig(JSON.stringify(document), path);
}

function needsStore({ store }: Config): boolean {
  if (store.engine !== 'jetstream' || store.servers !== undefined) return false;
  if (!store.tls) return true;
  return failStack(
    'store_tls_unsupported',
    'the store servers that a stack runs talk in clear, on loopback addresses: leave `store.tls` out, or name your own servers (`store.servers`)',
  );
}

/** A region that does not run yet gets those that the next `up` would start for it. */
function serversOf(config: Config, running: StoreServers = {}): StoreServers {
  const servers = storeSites(config).map(({ region, address, ports }) => [
    region,
    running[region] ?? [`nats://${address}:${ports.leaf}`],
  ]);
  return Object.fromEntries(servers);
}

function withStore(document: unknown, servers: StoreServers): unknown {
  return { ...(document as object), store: { engine: 'jetstream', servers } };
}
