import { closeSync, ftruncateSync, mkdirSync, openSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type NatsConnection, nuid } from '@nats-io/transport-node';
import { MeridianError } from '../../base/errors.ts';
import { apiErrors, callApi, hasApiCode } from '../jetstream/api.ts';
import { lifeOf } from '../jetstream/streams.ts';
import { askHub, type Operator, tellHub } from './asked-hub.ts';
import { digestOf } from './digest.ts';
import {
  checkContent,
  contentPath,
  failSave,
  keepHead,
  partsOf,
  readHeads,
  SavedContent,
  type SavedHead,
  streamName,
} from './saved-folder.ts';
import { restoreSnapshot, type Snapshot, streamNames, takeSnapshot } from './snapshot.ts';
import { bucketOf } from './words.ts';

const triesMost = 3;
const callLimitMs = 10_000;
const ledWithinMs = 20_000;
const askedMs = 1_000;
const askAgainMs = 100;

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
 * Where a connection to the hub is lost, a bucket is saved anew over another.
 *
 * @throws {MeridianError} `save_failed`, `snapshot_failed`, `store_unreachable`
 */
export async function saveHub(
  operator: Operator,
  folder: string,
  onSaved: (stream: SavedStream) => void,
): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (readdirSync(folder).length > 0) failSave(`${folder} is not empty`);
  for (const name of await askHub(operator, 'names of buckets', streamNames)) {
    if (!streamName.test(name)) failSave(`${JSON.stringify(name)} is no name of a bucket's stream`);
    const file = openSync(contentPath(folder, name), 'wx', 0o600);
    try {
      const head = await askHub(operator, bucketOf(name), (connection) =>
        takeProved(connection, name, file),
      );
      keepHead(folder, file, head);
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
 *   files read, digests hold ─▶ hub compared ─▶ removed ─▶ restored ─▶ compared ─▶ next bucket
 *     └─ `save_failed`            └─ `bucket_exists`, unless forced
 *
 * A connection that is lost while a bucket is made is an error, since that may have been done: called
 * again, this goes on from there. At any other time another one is taken.
 *
 * @throws {MeridianError} `save_failed`, `snapshot_failed`, `bucket_exists`, `store_unreachable`
 */
export async function restoreHub(
  operator: Operator,
  folder: string,
  { replicas, continues = false, force = false, onRestored }: RestoreOptions,
): Promise<void> {
  const heads = readHeads(folder);
  checkContent(folder, heads);
  const same = new Set<string>();
  const others: string[] = [];
  const unproved: string[] = [];
  const different = (head: SavedHead) =>
    askHub(operator, bucketOf(head.name), (connection) => differenceOf(connection, head));
  for (const name of await askHub(operator, 'names of buckets', streamNames)) {
    const head = heads.find((one) => one.name === name);
    if (!head) continue;
    const difference = await different(head);
    if (difference === undefined) same.add(name);
    else others.push(difference.text);
    if (difference && !head.content) unproved.push(bucketOf(name));
  }
  if (others.length > 0 && !force) {
    throw new MeridianError(
      'bucket_exists',
      `nothing was restored: the hub has what would be lost (${others.join('; ')}). --force does it anyway`,
      { details: { wouldBeLost: others } },
    );
  }
  if (unproved.length > 0) {
    failSave(
      `nothing was removed: ${unproved.join(', ')} was saved by an earlier version, which kept no digest of the files, so nothing tells whether it can be restored; remove its stream by hand first`,
    );
  }
  for (const head of heads) {
    const already = same.has(head.name);
    if (!already) {
      const isReplaced = others.length > 0;
      const made = continues && !isReplaced ? head : withAnotherLife(head);
      await tellHub(operator, bucketOf(head.name), (connection) =>
        restoreStream(connection, folder, made, { replicas, force }),
      );
    }
    const difference = await different(head);
    if (difference && !difference.mayBeSame) failSave(`not what was saved: ${difference.text}`);
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
  for (let tries = 1; ; tries++) {
    if (force) await removeStream(operator, head.name);
    try {
      const parts = partsOf(contentPath(folder, head.name));
      return await restoreSnapshot(operator, head, parts, replicas);
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
    ftruncateSync(file);
    const before = await stateOf(operator, name);
    const digest = await digestOf(operator, name, before);
    const content = new SavedContent(file);
    const snapshot = await takeSnapshot(operator, name, (part) => content.add(part));
    const head = { ...snapshot, content: content.proof() };
    const { state } = head;
    const isStill = before.last_seq === state.last_seq && before.messages === state.messages;
    if (isStill && digest !== undefined) return { ...head, digest };
    if (tries === triesMost) return head;
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

function savedOf({ name, state }: Snapshot, proved: boolean): SavedStream {
  return { name, messages: state.messages, last: state.last_seq, proved };
}
