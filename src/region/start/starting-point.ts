import { readFile, stat } from 'node:fs/promises';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { acceptDocument } from '../../config/document.ts';
import { loadConfig } from '../../config/load.ts';
import { type Bundle, decodeBundle } from '../../revisions/bundle.ts';
import { openEnvelope } from '../../secrets/envelope.ts';
import type { KeyRing } from '../../secrets/key-ring.ts';
import { appliedAtMs } from '../configuration/applied-at.ts';
import { type AssemblyContext, assemble } from '../configuration/assemble.ts';
import type { Accepted, Configuration } from '../configuration/configuration.ts';
import {
  loadIdentity,
  type Material,
  materialContext,
  parseMaterial,
} from '../configuration/material.ts';
import { readBundleSecrets } from './bundle-secrets.ts';
import { fileRefusal } from './file-refusal.ts';
import { askPeers, type Peer, peersOf } from './peers.ts';
import type { Snapshot } from './snapshot.ts';
import type { FoundSnapshot, SnapshotFiles } from './snapshot-files.ts';

export type StartErrorCode = 'snapshot_foreign' | 'nothing_to_serve' | 'bundle_unreadable';

export interface StartOptions extends AssemblyContext {
  readonly configPath: string | undefined;
  /** An event that makes the file a revision, once (`--seed`). */
  readonly seed: string | undefined;
  /** Nodes to ask for a copy, beside those that the file names. */
  readonly join: readonly Peer[];
  readonly bundlePath: string | undefined;
  readonly snapshots: SnapshotFiles;
}

/**
 * What a starting node serves, so that it needs nobody who may be gone:
 *
 *   snapshot that came from the store ─ none ─▶ a copy from a node of any region
 *        │ unless the file is newer in its way:       │ none
 *        │ no store in it, or a new seed              ▼
 *        ▼                                     exported bundle ─ none ─▶ the file
 *   (follows the store from there)                              refused: any snapshot
 *
 * @throws the error of the file where nothing else is there, MeridianError
 *   `nothing_to_serve` where there is not even a file; and what is wrong with the outer key,
 *   which nothing can replace.
 */
export async function chooseStart(options: StartOptions): Promise<Configuration> {
  const degraded: string[] = [];
  const found = await readSnapshot(options, degraded);
  const file = await readFileChoice(options, found?.snapshot, degraded);
  if (found && !file.accepted) return fromSnapshot(found, options, degraded, file.error);
  if (found && file.accepted && !fileGoesFirst(file.accepted, found.snapshot, options.seed)) {
    return fromSnapshot(found, options, degraded, undefined);
  }
  const copy = await fromElsewhere(options, file.accepted, degraded);
  if (copy) {
    const fileRefused = refusalOf(file.error);
    const assembly = { ...copy, geoRequired: false, degraded, fileRefused };
    return assemble(copy.accepted, options, assembly);
  }
  if (!file.accepted) return failWithNothing(options, file.error, degraded);
  return assembleFile(file.accepted, found, options, degraded);
}

/** A file without a store is the configuration; one with a store only until it is seeded. */
function fileGoesFirst(file: Accepted, snapshot: Snapshot, seed: string | undefined): boolean {
  if (snapshot.origin === 'file' || file.config.store.engine === 'memory') return true;
  return seed !== undefined && seed !== snapshot.seed;
}

async function readSnapshot(
  { region, configPath, snapshots }: StartOptions,
  degraded: string[],
): Promise<FoundSnapshot | undefined> {
  let found: FoundSnapshot | undefined;
  try {
    found = await snapshots.read();
  } catch (error) {
    if (configPath === undefined) throw error;
    degraded.push(messageOf(error));
  }
  degraded.push(...(found?.refused ?? []).map((why) => `a snapshot was refused: ${why}`));
  if (!found || found.snapshot.region === region) return found;
  const whose = `${found.path} is of region "${found.snapshot.region}", not of "${region}"`;
  if (configPath === undefined) {
    throw new MeridianError<StartErrorCode>('snapshot_foreign', whose);
  }
  degraded.push(whose);
  return undefined;
}

interface FileChoice {
  readonly accepted?: Accepted;
  readonly error?: unknown;
}

async function readFileChoice(
  { configPath, seed }: StartOptions,
  last: Snapshot | undefined,
  degraded: string[],
): Promise<FileChoice> {
  if (configPath === undefined) return {};
  try {
    return { accepted: { ...(await acceptFile(configPath, last)), seed } };
  } catch (error) {
    degraded.push(fileRefusal(messageOf(error)));
    return { error };
  }
}

/** A configuration file as a revision of its own. `last` is what was served before it. */
export async function acceptFile(
  path: string,
  last: Pick<Snapshot, 'hash' | 'serial'> | undefined,
): Promise<Accepted> {
  const { config, input, revision } = await loadConfig(path);
  const { mtimeMs } = await stat(path);
  return {
    config,
    document: input,
    hash: revision,
    info: undefined,
    serial: serialAfter(Math.floor(mtimeMs / 1_000), revision, last),
    origin: 'file',
    source: 'file',
    seed: undefined,
    acceptedAtMs: Date.now(),
    secrets: {},
  };
}

/** An older file that replaces a newer one is a new revision: the serial still has to rise. */
function serialAfter(
  fileSeconds: number,
  hash: string,
  last: Pick<Snapshot, 'hash' | 'serial'> | undefined,
): number {
  if (!last) return fileSeconds;
  return Math.max(fileSeconds, last.hash === hash ? last.serial : last.serial + 1);
}

/** The file, or where it cannot be built the snapshot of what served before. */
async function assembleFile(
  file: Accepted,
  found: FoundSnapshot | undefined,
  options: StartOptions,
  degraded: readonly string[],
): Promise<Configuration> {
  const place = options.configPath ?? 'the configuration file';
  try {
    return await assemble(file, options, { place, geoRequired: true, degraded });
  } catch (error) {
    if (!found) throw error;
    return fromSnapshot(found, options, [...degraded, fileRefusal(messageOf(error))], error);
  }
}

async function fromSnapshot(
  { snapshot, path }: FoundSnapshot,
  options: StartOptions,
  degraded: readonly string[],
  fileError: unknown,
): Promise<Configuration> {
  const keptMaterial = openMaterial(snapshot, path, options.ring);
  try {
    const { config } = acceptDocument(snapshot.document, path);
    const { document, hash, info, serial, origin, seed, secrets, writtenAtMs } = snapshot;
    const accepted: Accepted = {
      ...{ config, document, hash, info, serial, origin, seed, secrets },
      source: 'snapshot',
      acceptedAtMs: writtenAtMs,
    };
    const fileRefused = refusalOf(fileError);
    const assembly = { place: path, keptMaterial, geoRequired: false, degraded, fileRefused };
    return await assemble(accepted, options, assembly);
  } catch (error) {
    throw fileError ?? error;
  }
}

function refusalOf(fileError: unknown): string | undefined {
  return fileError === undefined ? undefined : messageOf(fileError);
}

/**
 * The keys that the snapshot holds, if any.
 *
 * @throws MeridianError `secret_key_missing`, `secret_key_wrong`, `secret_damaged`
 */
function openMaterial(
  { region, node, material }: Snapshot,
  path: string,
  ring: KeyRing | undefined,
): Material | undefined {
  if (material === undefined || material === null) return undefined;
  try {
    const opened = openEnvelope(ring, material, materialContext(region, node));
    const read = parseMaterial(opened.toString());
    opened.fill(0);
    return read;
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error;
    throw new MeridianError(error.code, `${path}: ${error.message}`, { cause: error });
  }
}

interface Copy {
  readonly accepted: Accepted;
  readonly place: string;
}

async function fromElsewhere(
  options: StartOptions,
  file: Accepted | undefined,
  degraded: string[],
): Promise<Copy | undefined> {
  // A file that is to be seeded is newer than what others have; without a store there are none.
  if (options.seed !== undefined && file) return undefined;
  if (file?.config.store.engine === 'memory') return undefined;
  const peers = await fromPeers(options, file, degraded);
  return peers ?? (await fromBundleFile(options));
}

async function fromPeers(
  options: StartOptions,
  file: Accepted | undefined,
  degraded: string[],
): Promise<Copy | undefined> {
  const { region, node = region, stateDirectory, ring } = options;
  const peers = [...options.join, ...(file ? peersOf(file.config, { region, node }) : [])];
  if (peers.length === 0) return undefined;
  const access = { ring, secrets: {} };
  const named = { identity: file?.config.identity };
  const identity = await loadIdentity(named, region, stateDirectory, access);
  if (!identity) return undefined;
  const { newest, from, failures } = await askPeers(peers, identity);
  if (!newest || !from) {
    if (options.join.length > 0) degraded.push(`no peer gave a copy: ${failures.join('; ')}`);
    return undefined;
  }
  const place = `the copy of ${from.region} (${from.host}:${from.port})`;
  return { accepted: acceptBundle(newest, place, 'peer'), place };
}

async function fromBundleFile({ bundlePath }: StartOptions): Promise<Copy | undefined> {
  if (bundlePath === undefined) return undefined;
  const bytes = await readFile(bundlePath).catch((cause: unknown) => {
    const message = `cannot read the bundle ${bundlePath}: ${messageOf(cause)}`;
    throw new MeridianError<StartErrorCode>('bundle_unreadable', message, { cause });
  });
  const bundle = await decodeBundle(bytes);
  return { accepted: acceptBundle(bundle, bundlePath, 'bundle'), place: bundlePath };
}

function acceptBundle(
  { info, document, secrets }: Bundle,
  place: string,
  source: 'peer' | 'bundle',
): Accepted {
  const { config, revision } = acceptDocument(document, place);
  return {
    config,
    document,
    hash: revision,
    info,
    serial: info.serial,
    origin: 'store',
    source,
    seed: info.seed,
    acceptedAtMs: appliedAtMs(info),
    secrets: readBundleSecrets(secrets),
  };
}

function failWithNothing(
  { configPath, stateDirectory }: StartOptions,
  fileError: unknown,
  degraded: readonly string[],
): never {
  if (fileError !== undefined) throw fileError;
  const why = [
    configPath === undefined ? 'no configuration file was named' : `${configPath} was refused`,
    `${stateDirectory} holds no snapshot`,
    ...degraded,
  ];
  throw new MeridianError<StartErrorCode>('nothing_to_serve', why.join('; '));
}
