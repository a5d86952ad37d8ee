import { stat } from 'node:fs/promises';
import { MeridianError, messageOf } from '../base/errors.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema/config.ts';
import type { Locator } from '../steering/geo/locator.ts';
import { loadCountryData } from './country-data.ts';
import { loadMaterial, type Material } from './material.ts';
import type { SnapshotFiles } from './snapshot-files.ts';

export type ConfigurationErrorCode = 'region_unknown' | 'snapshot_foreign' | 'nothing_to_serve';

/** The revision that a node serves, and where it came from. */
export interface Configuration {
  readonly config: Config;
  readonly revision: string;
  readonly sequence: number;
  readonly material: Material;
  /** For the main thread; DNS threads load their own. */
  readonly locator: Locator;
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
    return await fromFile(region, configPath, stateDirectory, snapshots);
  } catch (error) {
    const refusal = `the configuration file was refused, serving the last snapshot: ${messageOf(error)}`;
    const stored = await fromSnapshot(region, snapshots, [refusal]).catch(() => undefined);
    if (!stored) throw error;
    return stored;
  }
}

async function fromFile(
  region: string,
  configPath: string,
  stateDirectory: string,
  snapshots: SnapshotFiles,
): Promise<Configuration> {
  const { config, revision } = await loadConfig(configPath);
  assertRegion(config, region, configPath);
  const { mtimeMs } = await stat(configPath);
  const { locator, trouble } = await loadCountryData(config, region, { required: true });
  return {
    config,
    revision,
    sequence: await sequenceAfter(Math.floor(mtimeMs / 1_000), revision, snapshots),
    material: await loadMaterial(config, region, stateDirectory),
    locator,
    source: 'file',
    acceptedAtMs: Date.now(),
    degraded: trouble === undefined ? [] : [trouble],
  };
}

/** An older file that replaces a newer one is a new revision: the serial still has to rise. */
async function sequenceAfter(
  fileSeconds: number,
  revision: string,
  snapshots: SnapshotFiles,
): Promise<number> {
  const last = await snapshots.read().catch(() => undefined);
  if (!last) return fileSeconds;
  const { sequence } = last.snapshot;
  return Math.max(fileSeconds, last.snapshot.revision === revision ? sequence : sequence + 1);
}

async function fromSnapshot(
  region: string,
  snapshots: SnapshotFiles,
  degraded: readonly string[],
): Promise<Configuration | undefined> {
  const found = await snapshots.read();
  if (!found) return undefined;
  const { snapshot, path, refused } = found;
  if (snapshot.region !== region) {
    throw new MeridianError<ConfigurationErrorCode>(
      'snapshot_foreign',
      `${path} is of region "${snapshot.region}", not of "${region}"`,
    );
  }
  const { config, revision, sequence, material, writtenAtMs } = snapshot;
  const { locator, trouble } = await loadCountryData(config, region, { required: false });
  return {
    config,
    revision,
    sequence,
    material,
    locator,
    source: 'snapshot',
    acceptedAtMs: writtenAtMs,
    degraded: [
      ...degraded,
      ...refused.map((why) => `a snapshot was refused: ${why}`),
      ...(trouble === undefined ? [] : [trouble]),
    ],
  };
}

function assertRegion(config: Config, region: string, place: string): void {
  if (config.regions[region]) return;
  const known = Object.keys(config.regions).join(', ');
  throw new MeridianError<ConfigurationErrorCode>(
    'region_unknown',
    `${place} has no region "${region}"; it has: ${known}`,
  );
}
