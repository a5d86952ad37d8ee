import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type NatsConnection, nuid } from '@nats-io/transport-node';
import { z } from 'zod';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { lifeOf } from '../jetstream/streams.ts';
import { restoreSnapshot, type Snapshot, streamNames, takeSnapshot } from './snapshot.ts';
import { bucketOf } from './words.ts';

const partBytes = 128 * 1_024;
/** What a stream may be called, and so a file. */
const streamName = /^[A-Za-z0-9_-]{1,120}$/;
const headSchema = z.object({
  name: z.string().regex(streamName),
  config: z.looseObject({ num_replicas: z.number().int() }),
  state: z.looseObject({ messages: z.number().int(), last_seq: z.number().int() }),
});

export interface SavedStream {
  readonly name: string;
  readonly messages: number;
  /** Its newest revision. */
  readonly last: number;
  /** Restoring: it was there already, as it was saved. */
  readonly already?: boolean;
}

/**
 * Saves every bucket of the hub in a folder: `NAME.json` tells what is in `NAME.stream`, and
 * is written last. Each is as it was at one moment; what is confirmed after that is not in
 * it, so it is for a hub that takes no writes (`store config --closed`).
 *
 * @throws {MeridianError} `save_failed`, `snapshot_failed`; as `callApi`
 */
export async function saveHub(
  operator: NatsConnection,
  folder: string,
  onSaved: (stream: SavedStream) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) fail(`${folder} is not empty`);
  for (const name of await streamNames(operator)) {
    if (!streamName.test(name)) fail(`${JSON.stringify(name)} is no name of a bucket's stream`);
    const file = openSync(join(folder, `${name}.stream`), 'wx', 0o600);
    try {
      const head = await takeSnapshot(operator, name, (part) => writeWhole(file, part));
      fsyncSync(file);
      const unfinished = join(folder, `.${name}.json`);
      writeFileSync(unfinished, `${JSON.stringify(head)}\n`, { mode: 0o600, flush: true });
      renameSync(unfinished, join(folder, `${name}.json`));
      onSaved(savedOf(head));
    } finally {
      closeSync(file);
    }
  }
}

export interface RestoreOptions {
  readonly replicas: number;
  /**
   * All that was ever confirmed is in the folder: the same life of each bucket goes on, and with it
   * mirrors, watches and cursors. Otherwise it is another life, and they begin anew.
   */
  readonly continues?: boolean | undefined;
  onRestored?(stream: SavedStream): void;
}

/**
 * Makes the buckets of a folder on a hub that has none of them, every message under its old
 * revision. Where it was interrupted, those that are there as they were saved are left.
 *
 * @throws {MeridianError} `save_failed`, `snapshot_failed`, `bucket_exists`; as `callApi`
 */
export async function restoreHub(
  operator: NatsConnection,
  folder: string,
  { replicas, continues = false, onRestored }: RestoreOptions,
): Promise<void> {
  const heads = readHeads(folder);
  const there = new Map<string, boolean>();
  for (const name of await streamNames(operator)) {
    const head = heads.find((one) => one.name === name);
    if (head) there.set(name, await isSame(operator, head));
  }
  const other = [...there].find(([, same]) => !same);
  if (other) {
    throw new MeridianError(
      'bucket_exists',
      `the hub has ${other[0]} already, with other content: nothing was restored`,
    );
  }
  for (const head of heads) {
    const already = there.has(head.name);
    if (!already) {
      const parts = partsOf(join(folder, `${head.name}.stream`));
      const made = continues ? head : { ...head, config: { ...head.config, ...anotherLife(head) } };
      await restoreSnapshot(operator, made, parts, replicas);
    }
    onRestored?.({ ...savedOf(head), ...(already && { already }) });
  }
}

/** @throws {MeridianError} `save_failed` */
function readHeads(folder: string): Snapshot[] {
  try {
    const files = readdirSync(folder).sort();
    const heads = files
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => headSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
    const whole = new Set(heads.map(({ name }) => `${name}.stream`));
    const half = files.find((file) => file.endsWith('.stream') && !whole.has(file));
    if (half !== undefined) fail(`${join(folder, half)} was not saved to its end`);
    if (heads.length === 0) fail(`${folder} holds no saved bucket`);
    return heads;
  } catch (error) {
    if (codeOf(error) === 'save_failed') throw error;
    return fail(`${folder} cannot be read as a saved store: ${messageOf(error)}`);
  }
}

async function isSame(operator: NatsConnection, { name, state }: Snapshot): Promise<boolean> {
  const answer = await operator.request(`$JS.API.STREAM.INFO.${name}`, '{}', { timeout: 5_000 });
  const there = answer.json<{ state?: Snapshot['state'] }>().state;
  return there?.last_seq === state.last_seq && there.messages === state.messages;
}

/** Of a bucket's stream; of no other is there a mirror. */
function anotherLife({ name, config }: Snapshot) {
  const bucket = bucketOf(name);
  if (bucket === name) return {};
  const { subjects } = config;
  const hasBarriers = Array.isArray(subjects) && subjects.length > 1;
  return lifeOf(bucket, nuid.next(), hasBarriers);
}

function* partsOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const part = Buffer.alloc(partBytes);
      const bytes = readSync(file, part);
      if (bytes === 0) return;
      yield part.subarray(0, bytes);
    }
  } finally {
    closeSync(file);
  }
}

function writeWhole(file: number, part: Uint8Array): void {
  for (let at = 0; at < part.length; ) at += writeSync(file, part, at);
}

function savedOf({ name, state }: Snapshot): SavedStream {
  return { name, messages: state.messages, last: state.last_seq };
}

function fail(message: string): never {
  throw new MeridianError('save_failed', message);
}
