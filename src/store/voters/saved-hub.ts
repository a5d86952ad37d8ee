import {
  closeSync,
  fsyncSync,
  ftruncateSync,
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
import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsConnection, nuid } from '@nats-io/transport-node';
import { z } from 'zod';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { apiErrors, callApi, hasApiCode } from '../jetstream/api.ts';
import { lifeOf } from '../jetstream/streams.ts';
import { digestOf } from './digest.ts';
import { restoreSnapshot, type Snapshot, streamNames, takeSnapshot } from './snapshot.ts';
import { bucketOf } from './words.ts';

const partBytes = 128 * 1_024;
const triesMost = 3;
const callLimitMs = 10_000;
const ledWithinMs = 20_000;
const askedMs = 1_000;
const askAgainMs = 100;
/** What a stream may be called, and so a file. */
const streamName = /^[A-Za-z0-9_-]{1,120}$/;
const headSchema = z.object({
  name: z.string().regex(streamName),
  config: z.looseObject({ num_replicas: z.number().int() }),
  state: z.looseObject({ messages: z.number().int(), last_seq: z.number().int() }),
  digest: z.string().optional(),
});

/** What stands in `NAME.json`. */
interface SavedHead extends Snapshot {
  /** As of `digestOf`. */
  readonly digest?: string | undefined;
}

export interface SavedStream {
  readonly name: string;
  readonly messages: number;
  /** Its newest revision. */
  readonly last: number;
  /** Restoring: it was there already, as it was saved. */
  readonly already?: boolean;
  /**
   * Saving: it was not written to meanwhile, so that it can be proved when it is restored. Restoring:
   * what is there is what was saved, message by message.
   */
  readonly proved: boolean;
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
      const head = await takeProved(operator, name, file);
      fsyncSync(file);
      const unfinished = join(folder, `.${name}.json`);
      writeFileSync(unfinished, `${JSON.stringify(head)}\n`, { mode: 0o600, flush: true });
      renameSync(unfinished, join(folder, `${name}.json`));
      onSaved(savedOf(head, head.digest !== undefined));
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
  /** Buckets that are there with other content are removed first, and what they have is lost. */
  readonly force?: boolean | undefined;
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
  { replicas, continues = false, force = false, onRestored }: RestoreOptions,
): Promise<void> {
  const heads = readHeads(folder);
  const same = new Set<string>();
  const others: string[] = [];
  for (const name of await streamNames(operator)) {
    const head = heads.find((one) => one.name === name);
    if (!head) continue;
    const difference = await differenceOf(operator, head);
    if (difference === undefined) same.add(name);
    else others.push(difference.text);
  }
  if (others.length > 0 && !force) {
    throw new MeridianError(
      'bucket_exists',
      `nothing was restored: the hub has what would be lost (${others.join('; ')}). --force does it anyway`,
      { details: { wouldBeLost: others } },
    );
  }
  for (const head of heads) {
    const already = same.has(head.name);
    if (!already) {
      const isReplaced = others.length > 0;
      const made = continues && !isReplaced ? head : withAnotherLife(head);
      await restoreStream(operator, folder, made, { replicas, force });
    }
    const difference = await differenceOf(operator, head);
    if (difference && !difference.mayBeSame) fail(`not what was saved: ${difference.text}`);
    const proved = head.digest !== undefined && !hasAge(head) && !difference;
    onRestored?.({ ...savedOf(head, proved), ...(already && { already }) });
  }
}

/** As often as nodes made the bucket again, empty, between its removal and this. */
async function restoreStream(
  operator: NatsConnection,
  folder: string,
  head: SavedHead,
  { replicas, force }: { readonly replicas: number; readonly force: boolean },
): Promise<void> {
  const { digest: _, ...snapshot } = head;
  for (let tries = 1; ; tries++) {
    if (force) await removeStream(operator, head.name);
    try {
      const parts = partsOf(join(folder, `${head.name}.stream`));
      return await restoreSnapshot(operator, snapshot, parts, replicas);
    } catch (error) {
      if (!force || tries === triesMost || !hasApiCode(error, apiErrors.nameInUseByRestore)) {
        throw error;
      }
    }
  }
}

async function removeStream(operator: NatsConnection, name: string): Promise<void> {
  try {
    await callApi(operator, `$JS.API.STREAM.DELETE.${name}`, {}, callLimitMs);
  } catch (error) {
    if (!hasApiCode(error, apiErrors.streamNotFound)) throw error;
  }
}

/**
 * A snapshot with its digest, where nothing was written meanwhile; after three tries, without: then
 * it is a copy of one moment all the same.
 */
async function takeProved(
  operator: NatsConnection,
  name: string,
  file: number,
): Promise<SavedHead> {
  for (let tries = 1; ; tries++) {
    const before = await stateOf(operator, name);
    const digest = await digestOf(operator, name, before);
    let at = 0;
    const head = await takeSnapshot(operator, name, (part) => {
      at = writeWhole(file, part, at);
    });
    const { state } = head;
    const isStill = before.last_seq === state.last_seq && before.messages === state.messages;
    if (isStill && digest !== undefined) return { ...head, digest };
    if (tries === triesMost) return head;
    ftruncateSync(file);
  }
}

/** @throws {MeridianError} `save_failed` */
function readHeads(folder: string): SavedHead[] {
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

interface Difference {
  readonly text: string;
  /** It was written to since, or could not be read: what came before may be what was saved. */
  readonly mayBeSame: boolean;
}

/** What the hub has in place of what was saved; `undefined`: just that. */
async function differenceOf(
  operator: NatsConnection,
  head: SavedHead,
): Promise<Difference | undefined> {
  const { name, state, digest } = head;
  const there = await stateOf(operator, name);
  const later = there.last_seq - state.last_seq;
  const other = (what: string, mayBeSame = false) => ({
    text: `${bucketOf(name)}: ${what}`,
    mayBeSame,
  });
  if (later > 0) return other(`${later} writes after ${state.last_seq}, the last saved`, true);
  // What ended by its age is not there, and not missed.
  const hasEnded = hasAge(head) && there.messages < state.messages;
  if (later < 0 || (there.messages !== state.messages && !hasEnded)) {
    return other(`${there.messages} messages up to ${there.last_seq}, not as saved`);
  }
  if (digest === undefined || hasEnded) return undefined;
  const found = await digestOf(operator, name, there);
  if (found === undefined)
    return other(`values up to ${there.last_seq} that could not be read`, true);
  return found === digest ? undefined : other(`other values up to ${there.last_seq}`);
}

/** Of a stream that may have been made just now: while it has no leader, the question is dropped. */
async function stateOf(operator: NatsConnection, name: string): Promise<Snapshot['state']> {
  type Info = { state: Snapshot['state'] };
  const deadlineMs = performance.now() + ledWithinMs;
  for (;;) {
    try {
      return (await callApi<Info>(operator, `$JS.API.STREAM.INFO.${name}`, {}, askedMs)).state;
    } catch (error) {
      if (performance.now() > deadlineMs || operator.isClosed()) throw error;
      await sleep(askAgainMs);
    }
  }
}

function hasAge({ config: { max_age: age } }: Snapshot): boolean {
  return typeof age === 'number' && age > 0;
}

/** Of a bucket's stream; of no other is there a mirror. */
function withAnotherLife(head: SavedHead): SavedHead {
  const { name, config } = head;
  const bucket = bucketOf(name);
  if (bucket === name) return head;
  const { subjects } = config;
  const hasBarriers = Array.isArray(subjects) && subjects.length > 1;
  return { ...head, config: { ...config, ...lifeOf(bucket, nuid.next(), hasBarriers) } };
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

/** @returns where the next part goes */
function writeWhole(file: number, part: Uint8Array, position: number): number {
  for (let at = 0; at < part.length; ) {
    at += writeSync(file, part, at, part.length - at, position + at);
  }
  return position + part.length;
}

function savedOf({ name, state }: Snapshot, proved: boolean): SavedStream {
  return { name, messages: state.messages, last: state.last_seq, proved };
}

function fail(message: string): never {
  throw new MeridianError('save_failed', message);
}
