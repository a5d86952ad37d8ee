import type { DataBucket, Entry, LostWrite, Read, ReadOptions } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { checkKey, checkPrefix } from '../keys.ts';
import { type Answer, json, stalenessField } from './answer.ts';
import { readBody } from './body.ts';
import type { BucketCall, Call, CallContext, ServedBucket } from './call.ts';
import { readOptions, regionField } from './entries.ts';
import { keyOfCursor, listCursor } from './list-cursor.ts';
import { mostKeysOfBatch } from './operations.ts';
import { refuse } from './problems.ts';
import { type Right, rightOf } from './rights.ts';

/** Of a batch: what is held in memory at once, before base64. */
const mostValueBytes = 8 * 1024 * 1024;
const batchBytes = 64 * 1024;
/** Of a page: its values, and all keys of which it is a part. */
const pageRoomBytes = 16 * 1024 * 1024;
const lostPageRoomBytes = 8 * 1024 * 1024;
/** For those who read much to come in their turn. */
export const turnLimitMs = 2_000;

export function listBuckets({ caller, context }: Call): Answer {
  const buckets = [...context.buckets].flatMap(([name, served]) => {
    const right = rightOf(caller, name);
    return right ? [bucketShown(name, right, served)] : [];
  });
  return json({ buckets }, regionField(context));
}

function bucketShown(name: string, right: Right, served: ServedBucket): object {
  const { consistency, regions, maximumValueBytes, bucket } = served;
  const shared = { name, right, consistency, regions, maximumValueBytes };
  if (!bucket) return { ...shared, resident: false };
  const { writable, problem, lagMs, lost } = bucket.status();
  return {
    ...shared,
    resident: true,
    writable,
    ...(problem !== undefined && { problem }),
    lagMs: Object.fromEntries([...lagMs].filter(([, ms]) => Number.isFinite(ms))),
    lost,
  };
}

/** Makes an answer of many values, when there is room for it. @throws DataError `too_busy` */
async function inTurn(
  { caller, context, response }: BucketCall,
  bytes: number,
  answer: () => Promise<Answer>,
): Promise<Answer> {
  const { values, clock } = context;
  const release = await values.takeInTurn(caller.service, bytes, turnLimitMs, clock);
  try {
    if (response.destroyed) return refuse('request_aborted', 'the connection was closed');
    return await answer();
  } finally {
    release();
  }
}

export function listEntries(call: BucketCall): Promise<Answer> {
  return inTurn(call, pageRoomBytes, () => page(call));
}

async function page({ bucket, parameters, context }: BucketCall): Promise<Answer> {
  const prefix = String(parameters.prefix);
  checkPrefix(prefix);
  const { cursor, limit, values } = parameters;
  const after = cursor === undefined ? undefined : keyOfCursor(String(cursor), prefix);
  const { entries, more, staleForMs } = await bucket.list({ prefix, after, limit: Number(limit) });
  const last = entries.at(-1);
  return json(
    {
      entries: entries.map((entry) => shown(entry, values === true)),
      cursor: more && last ? listCursor(last.key) : null,
    },
    { ...stalenessField(staleForMs), ...regionField(context) },
  );
}

export function listLost(call: BucketCall): Promise<Answer> {
  return inTurn(call, lostPageRoomBytes, () => lostPage(call));
}

async function lostPage({ bucket, parameters, context }: BucketCall): Promise<Answer> {
  const { cursor, limit } = parameters;
  const after = cursor === undefined ? undefined : String(cursor);
  const { writes, next = null } = await bucket.lostWrites({ after, limit: Number(limit) });
  return json({ entries: writes.map(lostShown), cursor: next }, regionField(context));
}

function lostShown({ key, version, value, deleted, lostTo, recordedAtMs }: LostWrite): object {
  const wrote = deleted ? { deleted } : { value: base64(value) };
  return { key, version, ...wrote, lostTo, recordedAtMs: Math.floor(recordedAtMs) };
}

function shown({ key, version, value }: Entry, withValue: boolean): object {
  return { key, version, ...(withValue && { value: base64(value) }) };
}

export function base64(value: Uint8Array): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
}

export async function readBatch(call: BucketCall): Promise<Answer> {
  const batch = await batchOf(call);
  const bytes = batch.keys.length * call.served.maximumValueBytes;
  return inTurn(call, Math.min(bytes, mostValueBytes), () => batchAnswer(call, batch));
}

async function batchAnswer(call: BucketCall, { keys, consistency }: BatchAsked): Promise<Answer> {
  const { bucket, served, context } = call;
  const entries: object[] = [];
  let staleForMs = 0;
  for await (const { key, read } of readAll(bucket, keys, consistency, served)) {
    staleForMs = Math.max(staleForMs, read?.staleForMs ?? 0);
    if (!read) entries.push({ key, omitted: true });
    else entries.push(read.entry ? shown(read.entry, true) : { key, version: null });
  }
  return json({ entries }, { ...stalenessField(staleForMs), ...regionField(context) });
}

/**
 * In parts, so that values of the largest size do not fill the memory; what there would be no
 * room for is not read, and has no `read`.
 */
async function* readAll(
  bucket: DataBucket,
  keys: readonly string[],
  options: ReadOptions,
  { maximumValueBytes }: ServedBucket,
): AsyncGenerator<{ readonly key: string; readonly read: Read | undefined }> {
  const atOnce = Math.max(1, Math.floor(mostValueBytes / maximumValueBytes));
  let bytes = 0;
  for (let from = 0; from < keys.length; from += atOnce) {
    const part = keys.slice(from, from + atOnce);
    const reads = bytes <= mostValueBytes ? await bucket.getAll(part, options) : [];
    for (const [index, key] of part.entries()) {
      const read = reads[index];
      bytes += read?.entry?.value.byteLength ?? 0;
      const isOmitted = bytes > mostValueBytes && read?.entry !== undefined;
      yield { key, read: isOmitted ? undefined : read };
    }
  }
}

interface BatchAsked {
  readonly keys: readonly string[];
  readonly consistency: ReadOptions;
}

async function batchOf({ request, response, context, caller }: BucketCall): Promise<BatchAsked> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/json') refuse('unsupported_media_type', 'send it as application/json');
  const release = context.bodies.take(caller.service, batchBytes);
  try {
    const body = await readBody(request, response, {
      limitBytes: batchBytes,
      tooLarge: () => dataError('value_too_large', `the body may have ${batchBytes} bytes`),
    });
    context.counters.receivedBytes += body.length;
    return parseBatch(body.toString());
  } finally {
    release();
  }
}

function parseBatch(text: string): BatchAsked {
  const body = parseJson(text);
  const expected = 'expected {"keys": [...], "consistency": "local" or "strong"}';
  if (typeof body !== 'object' || body === null) return refuse('bad_body', expected);
  const { keys, consistency = 'local', ...others } = body as Record<string, unknown>;
  if (Object.keys(others).length > 0) return refuse('bad_body', `unknown field; ${expected}`);
  if (consistency !== 'local' && consistency !== 'strong') {
    return refuse('bad_body', 'consistency: expected "local" or "strong"');
  }
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > mostKeysOfBatch) {
    return refuse('bad_body', `keys: expected a list of 1 to ${mostKeysOfBatch}`);
  }
  const checked = keys.map((key: unknown) => {
    if (typeof key !== 'string') return refuse('bad_body', 'keys: expected texts');
    checkKey(key);
    return key;
  });
  return { keys: checked, consistency: readOptions({ consistency }) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return refuse('bad_body', 'it is no JSON');
  }
}

export function describeApi({ context }: { readonly context: CallContext }): Answer {
  return { status: 200, contentType: 'application/json', body: context.document };
}
