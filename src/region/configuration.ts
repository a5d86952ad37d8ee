import { stat } from 'node:fs/promises';
import { MeridianError, messageOf } from '../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema/config.ts';
import { loadMaterial, type Material } from './material.ts';
import type { Snapshot } from './snapshot.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export type ConfigurationErrorCode = 'region_unknown' | 'nothing_to_serve';

/** The revision that a node serves, and where it came from. */
export interface Configuration {
  readonly config: Config;
  readonly revision: string;
  readonly sequence: number;
  readonly material: Material;
  readonly source: 'file' | 'snapshot';
  /** When it was accepted: read from the file now, or written to the snapshot then. */
  readonly acceptedAtMs: number;
  /** What is wrong although the node can serve, one sentence each. */
  readonly degraded: readonly string[];
}

/**
 * What a starting node serves: its configuration file, or, when that is missing, refused
 * or not named, the last good snapshot of its state directory (static stability: a node
 * that has served once needs nobody to serve again).
 *
 * @throws the file's own error when there is no snapshot to fall back on, and
 *   MeridianError `nothing_to_serve` when neither a file nor a snapshot is there.
 */
export async function chooseConfiguration(
  region: string,
  configPath: string | undefined,
  stateDirectory: string,
  snapshots: SnapshotFiles,
): Promise<Configuration> {
  if (configPath === undefined) {
    const stored = await fromSnapshot(region, snapshots, []);
    if (stored) return stored;
    throw new MeridianError<ConfigurationErrorCode>(
      'nothing_to_serve',
      `no configuration file was named and ${stateDirectory} holds no snapshot`,
    );
  }
  try {
    return await fromFile(region, configPath, stateDirectory);
  } catch (error) {
    const refusal = `the configuration file was refused, serving the last snapshot: ${messageOf(error)}`;
    const stored = await fromSnapshot(region, snapshots, [refusal]).catch(() => undefined);
    if (stored) return stored;
    throw error;
  }
}

async function fromFile(
  region: string,
  configPath: string,
  stateDirectory: string,
): Promise<Configuration> {
  const { config, revision } = await loadConfig(configPath);
  assertRegion(config, region, configPath);
  const { mtimeMs } = await stat(configPath);
  return {
    config,
    revision,
    sequence: Math.floor(mtimeMs / 1_000),
    material: await loadMaterial(config, region, stateDirectory),
    source: 'file',
    acceptedAtMs: Date.now(),
    degraded: [],
  };
}

async function fromSnapshot(
  region: string,
  snapshots: SnapshotFiles,
  degraded: readonly string[],
): Promise<Configuration | undefined> {
  const found = await snapshots.read();
  if (!found) return undefined;
  const { snapshot, path, refused } = found;
  assertRegion(snapshot.config, region, path);
  return {
    ...configurationOf(snapshot),
    degraded: [...degraded, ...refused.map((why) => `a snapshot was refused: ${why}`)],
  };
}

function configurationOf(snapshot: Snapshot): Omit<Configuration, 'degraded'> {
  const { config, revision, sequence, material, writtenAtMs } = snapshot;
  return { config, revision, sequence, material, source: 'snapshot', acceptedAtMs: writtenAtMs };
}

function assertRegion(config: Config, region: string, place: string): void {
  if (config.regions[region]) return;
  const known = Object.keys(config.regions).join(', ');
  throw new MeridianError<ConfigurationErrorCode>(
    'region_unknown',
    `${place} has no region "${region}"; it has: ${known}`,
  );
}
