import { dirname } from 'node:path';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { type Relocation, relocate } from '../../config/relocate.ts';
import type { Config } from '../../config/schema/config.ts';
import { storeSites } from '../../store/nats-server/sites.ts';

/** What the nodes of a stack run, and what the stack has to run for them. */
export interface EffectiveConfig {
  readonly config: Config;
  /** The same as a configuration file (JSON). */
  readonly text: string;
  /** The folder of the configuration file. */
  readonly directory: string;
  /** The file and its revision, as `meridian check` tells it. */
  readonly source: { readonly file: string; readonly revision: string };
  /** False for the memory engine, and where the configuration names store servers itself. */
  readonly runsStore: boolean;
}

/**
 * Reads a configuration, moves it, and fills in what a stack provides.
 *
 * @throws ConfigError, or MeridianError `relocation_out_of_range`.
 */
export async function effectiveConfig(
  file: string,
  relocation: Relocation,
): Promise<EffectiveConfig> {
  const { config, input, path, revision } = await loadConfig(file);
  const moved = relocate(input, relocation) as Record<string, unknown>;
  const runsStore = config.store.engine === 'jetstream' && config.store.servers === undefined;
  const document = runsStore ? { ...moved, store: storeOf(reparse(moved, path)) } : moved;
  return {
    config: reparse(document, path),
    text: `${JSON.stringify(document, null, 2)}\n`,
    directory: dirname(path),
    source: { file: path, revision },
    runsStore,
  };
}

/** Moving can make endpoints or addresses meet that were apart: validated again. */
function reparse(document: unknown, path: string): Config {
  return parseConfig(JSON.stringify(document), path).config;
}

function storeOf(config: Config): { engine: 'jetstream'; servers: Record<string, string[]> } {
  const servers = storeSites(config).map(({ region, address, ports }): [string, string[]] => [
    region,
    [`nats://${address}:${ports.leaf}`],
  ]);
  return { engine: 'jetstream', servers: Object.fromEntries(servers) };
}
