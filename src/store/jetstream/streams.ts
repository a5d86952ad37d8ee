import { type NatsConnection, nuid, PermissionViolationError } from '@nats-io/transport-node';
import {
  apiErrors,
  apiOf,
  callApi,
  hasApiCode,
  hubApi,
  JetStreamApiError,
  leafApi,
} from './api.ts';
import type { Source } from './freshness.ts';
import { barrierOf, streamOf, subjectOf } from './subjects.ts';

export interface StreamConfig {
  readonly num_replicas: number;
  readonly max_age?: number;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly [option: string]: unknown;
}

interface StreamInfo {
  readonly created: string;
  readonly config: StreamConfig;
  readonly state: { readonly last_seq: number; readonly last_ts: string; readonly bytes: number };
  readonly mirror?: { readonly lag: number; readonly active: number };
  readonly cluster?: {
    /** Of the cluster; left out by a server without one. */
    readonly name?: string;
    readonly leader?: string;
    readonly replicas?: readonly {
      readonly current: boolean;
      readonly offline?: boolean;
      readonly active: number;
    }[];
  };
}

const shared = {
  retention: 'limits',
  storage: 'file',
  discard: 'new',
  max_msgs_per_subject: 1,
  allow_direct: true,
  // Nats-server 2.14.0: no stream compression.
  compression: 'none',
} as const;

const callLimitMs = 1_000;

/** What a bucket's stream is to be like. */
export interface StreamShape {
  readonly replicas: number;
  /** Of a bucket that the configuration declares. */
  readonly declared?: { readonly maximumAgeMs: number | undefined } | undefined;
}

export interface MadeBucket {
  /** Of its life on the hub. */
  readonly epoch: string;
  /** The mirror cannot follow the hub, or copies are missing; a sentence. */
  readonly problem: string | undefined;
  /** What is written could be lost; a sentence. */
  readonly unsafe: string | undefined;
}

/**
 * Makes the stream on the hub and its mirror on the leaf where they are missing, adds replicas
 * to a stream that has fewer than three, and sets its age where it has another. A mirror of another life is
 * removed and made anew, where it `mayRenew`. Idempotent; safe when several nodes do it at once.
 *
 * @throws whatever `callApi` throws: try again later.
 */
export async function ensureBucket(
  connection: NatsConnection,
  bucket: string,
  shape: StreamShape,
  mayRenew: boolean,
): Promise<MadeBucket> {
  const { replicas } = shape;
  // The mirror first: later readings of the hub can only be higher.
  const found = await streamInfo(connection, leafApi, bucket);
  const origin = await ensureOrigin(connection, bucket, shape);
  const epoch = epochOf(origin.config);
  const isOther = found !== undefined && epochOf(found.config) !== epoch;
  const isRemoved = isOther && mayRenew && (await removeMirror(connection, bucket, origin));
  const mirror = isRemoved ? undefined : found;
  const copy = mirror
    ? await changed(connection, leafApi, mirror, changesTo(mirror.config, shape, 1))
    : await createMirror(connection, bucket, origin, shape);
  const other =
    mirror && isOther
      ? `bucket ${bucket}: this region's mirror is of another life of the bucket, and not read. ` +
        `A stack makes it anew; elsewhere "nats stream rm ${streamOf(bucket)}" on the leaf has it made`
      : undefined;
  const isAhead = mirror && mirror.state.last_seq > origin.state.last_seq;
  const behind = isAhead
    ? `bucket ${bucket}: this region's mirror is ahead of the hub (${mirror.state.last_seq} > ${origin.state.last_seq}): ` +
      'the hub was set back or made anew, and the mirror keeps what it had. Restore the hub, or delete the mirror'
    : undefined;
  const { num_replicas: copies } = origin.config;
  const unsafe = judgeStream(bucket, origin.config, replicas);
  const few =
    unsafe === undefined && copies < replicas ? tooFewCopies(bucket, copies, replicas) : undefined;
  const aged = [origin.config, copy?.config].some(
    (config) => config && shape.declared && ageOf(config) !== nanoseconds(shape.declared),
  );
  const age = aged
    ? `bucket ${bucket}: the age of its values could not be changed, for want of the right to: ` +
      `"nats stream edit ${streamOf(bucket)} --max-age" does it, on the hub and on each leaf`
    : undefined;
  return { epoch, problem: other ?? behind ?? few ?? age, unsafe };
}

/**
 * Why a stream could lose what it confirms; `undefined`: nothing against it. No stream
 * compression on nats-server 2.14.0. Three copies where five are wanted (a hub that grows)
 * survive the loss of a region, and are no reason to refuse writes. Pure.
 */
export function judgeStream(
  bucket: string,
  config: StreamConfig,
  replicas: number,
): string | undefined {
  const { compression = 'none', storage, num_replicas: copies } = config;
  if (compression !== 'none') return `bucket ${bucket} is kept compressed (${compression})`;
  if (storage !== 'file') return `bucket ${bucket} is kept in memory, not on disk`;
  return copies < Math.min(replicas, 3) ? tooFewCopies(bucket, copies, replicas) : undefined;
}

function tooFewCopies(bucket: string, copies: number, replicas: number): string {
  return (
    `bucket ${bucket} has ${copies} of the ${replicas} copies that it is to have: ` +
    `"meridian store grow" adds them`
  );
}

/** The mirror's own account. */
export interface MirrorAccount {
  readonly lag: number;
  readonly silentForMs: number;
  /** Of the life of the bucket that it copies. */
  readonly epoch: string;
  /** Another mirror was made at another time. */
  readonly madeAt: string;
}

/** `undefined` where there is none. */
export async function mirrorInfo(
  connection: NatsConnection,
  bucket: string,
): Promise<MirrorAccount | undefined> {
  const info = await streamInfo(connection, leafApi, bucket);
  if (!info?.mirror) return undefined;
  const { lag, active } = info.mirror;
  const { created: madeAt, config } = info;
  return { lag, silentForMs: active / 1e6, epoch: epochOf(config), madeAt };
}

/** A stream on the hub, as its leader sees it. */
export interface OriginReport {
  readonly epoch: string;
  readonly leader: string | undefined;
  /** Copies that it is to have. */
  readonly replicas: number;
  /** What its messages take. */
  readonly bytes: number;
  readonly followers: readonly { readonly current: boolean; readonly silentForMs: number }[];
}

/** `undefined` where there is no such stream. */
export async function originReport(
  connection: NatsConnection,
  bucket: string,
): Promise<OriginReport | undefined> {
  const info = await streamInfo(connection, hubApi, bucket);
  return (
    info && {
      epoch: epochOf(info.config),
      leader: info.cluster?.leader || undefined,
      replicas: info.config.num_replicas,
      bytes: info.state.bytes,
      followers: (info.cluster?.replicas ?? []).map(({ current, offline, active }) => ({
        current: current && offline !== true,
        silentForMs: active / 1e6,
      })),
    }
  );
}

/** How far a source has a bucket. */
export interface Extent {
  readonly lastRevision: number;
  /** When that was written; milliseconds since 1970. */
  readonly lastWrittenAtMs: number;
  /** Names this life of the bucket, the same on the hub and in its mirrors. */
  readonly epoch: string;
  /** Another copy was made at another time. */
  readonly madeAt: string;
}

/** `undefined` where the source has no such bucket. */
export async function extentOf(
  connection: NatsConnection,
  source: Source,
  bucket: string,
): Promise<Extent | undefined> {
  const info = await streamInfo(connection, apiOf(source), bucket);
  return (
    info && {
      lastRevision: info.state.last_seq,
      lastWrittenAtMs: Math.max(0, Date.parse(info.state.last_ts) || 0),
      epoch: epochOf(info.config),
      madeAt: info.created,
    }
  );
}

async function ensureOrigin(
  connection: NatsConnection,
  bucket: string,
  shape: StreamShape,
): Promise<StreamInfo> {
  const { replicas, declared } = shape;
  const stream = streamOf(bucket);
  const found = await streamInfo(connection, hubApi, bucket);
  if (found) {
    // A server without a cluster takes the number, and does not bring the stream back after that.
    const copies = found.cluster?.name === undefined ? found.config.num_replicas : replicas;
    return await changed(connection, hubApi, found, changesTo(found.config, shape, copies));
  }
  const epoch = nuid.next();
  const config = {
    ...shared,
    ...(declared && agedBy(declared)),
    ...lifeOf(bucket, epoch, declared !== undefined),
    name: stream,
    num_replicas: replicas,
    deny_delete: true,
    deny_purge: true,
  };
  try {
    const subject = `${hubApi}.STREAM.CREATE.${stream}`;
    return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
  } catch (error) {
    if (!hasApiCode(error, apiErrors.streamNameInUse)) throw error;
    const info = await streamInfo(connection, hubApi, bucket);
    if (!info) throw error;
    return info;
  }
}

/**
 * Not before the stream on the hub has a leader: who is told of the stream by the hub's own
 * leader may be too early, the mirror's first request is lost then, and its second follows
 * after 30 s only.
 */
async function createMirror(
  connection: NatsConnection,
  bucket: string,
  origin: StreamInfo,
  { declared }: StreamShape,
): Promise<StreamInfo | undefined> {
  if (!origin.cluster?.leader) throw new Error('its stream on the hub has no leader yet');
  const stream = streamOf(bucket);
  const epoch = epochOf(origin.config);
  const config = {
    ...shared,
    ...(declared && { max_age: nanoseconds(declared) }),
    ...(epoch && { metadata: { [epochName]: epoch } }),
    name: stream,
    num_replicas: 1,
    mirror_direct: true,
    mirror: { name: stream, external: { api: hubApi, deliver: '' } },
  };
  try {
    const subject = `${leafApi}.STREAM.CREATE.${stream}`;
    return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
  } catch (error) {
    if (!hasApiCode(error, apiErrors.streamNameInUse)) throw error;
    return undefined;
  }
}

/** False where nodes have no right to. */
async function removeMirror(
  connection: NatsConnection,
  bucket: string,
  origin: StreamInfo,
): Promise<boolean> {
  if (!origin.cluster?.leader) throw new Error('its stream on the hub has no leader yet');
  try {
    await callApi(connection, `${leafApi}.STREAM.DELETE.${streamOf(bucket)}`, {}, callLimitMs);
    return true;
  } catch (error) {
    if (hasApiCode(error, apiErrors.streamNotFound)) return true;
    if (isForbidden(error)) return false;
    throw error;
  }
}

type Changes = Partial<StreamConfig>;

/**
 * What is to be changed in a stream as it is, or `undefined`. Copies are added, never taken, and none
 * to three or more: that is done one by one, each when the others are level (`voters/next-step.ts`). Pure.
 */
export function changesTo(
  config: StreamConfig,
  { declared }: StreamShape,
  replicas: number,
): Changes | undefined {
  const enough = Math.min(replicas, 3);
  const copies = config.num_replicas < enough ? { num_replicas: enough } : undefined;
  const age = declared && ageOf(config) !== nanoseconds(declared) ? agedBy(declared) : undefined;
  if (!copies && !age) return undefined;
  // A mirror has no window, and the server refuses one.
  if (age && config.mirror) return { ...copies, max_age: age.max_age };
  return { ...copies, ...age };
}

/** The stream after the changes, or as it was where they were refused: it is judged as it is. */
async function changed(
  connection: NatsConnection,
  api: string,
  found: StreamInfo,
  changes: Changes | undefined,
): Promise<StreamInfo> {
  if (!changes) return found;
  const config = { ...found.config, ...changes };
  const subject = `${api}.STREAM.UPDATE.${found.config.name}`;
  try {
    return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
  } catch (error) {
    if (error instanceof JetStreamApiError || isForbidden(error)) return found;
    throw error;
  }
}

const epochName = 'meridian_epoch';

/** What of a stream's settings belongs to its life. */
export function lifeOf(bucket: string, epoch: string, hasBarriers: boolean) {
  const barriers = hasBarriers ? [barrierOf(bucket, epoch, '>')] : [];
  return { metadata: { [epochName]: epoch }, subjects: [subjectOf(bucket, '>'), ...barriers] };
}

/** Streams of older versions have none, and nor have their mirrors. */
function epochOf({ metadata }: StreamConfig): string {
  return metadata?.[epochName] ?? '';
}

const duplicateWindowMs = 120_000;

/** 0: for ever. */
function nanoseconds({ maximumAgeMs = 0 }: { readonly maximumAgeMs?: number | undefined }): number {
  return maximumAgeMs * 1e6;
}

function ageOf({ max_age = 0 }: StreamConfig): number {
  return max_age;
}

/** The server wants ids of messages to be forgotten no later than the messages. */
function agedBy({ maximumAgeMs }: { readonly maximumAgeMs?: number | undefined }) {
  const window = Math.min(maximumAgeMs ?? duplicateWindowMs, duplicateWindowMs);
  return { max_age: nanoseconds({ maximumAgeMs }), duplicate_window: window * 1e6 };
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof PermissionViolationError;
}

async function streamInfo(
  connection: NatsConnection,
  api: string,
  bucket: string,
): Promise<StreamInfo | undefined> {
  try {
    const subject = `${api}.STREAM.INFO.${streamOf(bucket)}`;
    return await callApi<StreamInfo>(connection, subject, {}, callLimitMs);
  } catch (error) {
    if (hasApiCode(error, apiErrors.streamNotFound)) return undefined;
    throw error;
  }
}
