import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
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
import { streamOf, subjectOf } from './subjects.ts';

export interface StreamConfig {
  readonly num_replicas: number;
  readonly [option: string]: unknown;
}

interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: { readonly last_seq: number };
  readonly mirror?: { readonly lag: number; readonly active: number };
  readonly cluster?: {
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

export interface MadeBucket {
  /** The mirror cannot follow the hub, or copies are missing; a sentence. */
  readonly problem: string | undefined;
  /** What is written could be lost; a sentence. */
  readonly unsafe: string | undefined;
}

/**
 * Makes the stream on the hub and its mirror on the leaf where they are missing, and adds
 * replicas to a stream that has fewer. Idempotent; safe when several nodes do it at once.
 *
 * @throws whatever `callApi` throws: try again later.
 */
export async function ensureBucket(
  connection: NatsConnection,
  bucket: string,
  replicas: number,
): Promise<MadeBucket> {
  // The mirror first: later readings of the hub can only be higher.
  const mirror = await streamInfo(connection, leafApi, bucket);
  const origin = await ensureOrigin(connection, bucket, replicas);
  if (!mirror) await createMirror(connection, bucket, origin);
  const ahead = mirror !== undefined && mirror.state.last_seq > origin.state.last_seq;
  const behind = ahead
    ? `bucket ${bucket}: this region's mirror is ahead of the hub (${mirror.state.last_seq} > ${origin.state.last_seq}): ` +
      'the hub was set back or made anew, and the mirror keeps what it had. Restore the hub, or delete the mirror'
    : undefined;
  const { num_replicas: copies } = origin.config;
  const unsafe = judgeStream(bucket, origin.config, replicas);
  const few =
    unsafe === undefined && copies < replicas ? tooFewCopies(bucket, copies, replicas) : undefined;
  return { problem: behind ?? few, unsafe };
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
    `"nats stream edit ${streamOf(bucket)} --replicas ${replicas}" adds them`
  );
}

/** The mirror's own account, or `undefined` where there is none. */
export async function mirrorInfo(
  connection: NatsConnection,
  bucket: string,
): Promise<{ lag: number; silentForMs: number } | undefined> {
  const info = await streamInfo(connection, leafApi, bucket);
  return info?.mirror && { lag: info.mirror.lag, silentForMs: info.mirror.active / 1e6 };
}

/** A stream on the hub, as its leader sees it. */
export interface OriginReport {
  readonly leader: string | undefined;
  /** Copies that it is to have. */
  readonly replicas: number;
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
      leader: info.cluster?.leader || undefined,
      replicas: info.config.num_replicas,
      followers: (info.cluster?.replicas ?? []).map(({ current, offline, active }) => ({
        current: current && offline !== true,
        silentForMs: active / 1e6,
      })),
    }
  );
}

/** The newest revision that a source has of a bucket, or `undefined` where it has no such bucket. */
export async function lastRevisionOf(
  connection: NatsConnection,
  source: Source,
  bucket: string,
): Promise<number | undefined> {
  const info = await streamInfo(connection, apiOf(source), bucket);
  return info?.state.last_seq;
}

async function ensureOrigin(
  connection: NatsConnection,
  bucket: string,
  replicas: number,
): Promise<StreamInfo> {
  const stream = streamOf(bucket);
  const found = await streamInfo(connection, hubApi, bucket);
  if (found && found.config.num_replicas >= replicas) return found;
  if (found) {
    const config = { ...found.config, num_replicas: replicas };
    const subject = `${hubApi}.STREAM.UPDATE.${stream}`;
    try {
      return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
    } catch (error) {
      // Refused, by the hub or for want of the right: it is judged as it is.
      if (error instanceof JetStreamApiError || isForbidden(error)) return found;
      throw error;
    }
  }
  const config = {
    ...shared,
    name: stream,
    subjects: [subjectOf(bucket, '>')],
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
): Promise<void> {
  if (!origin.cluster?.leader) throw new Error('its stream on the hub has no leader yet');
  const stream = streamOf(bucket);
  const config = {
    ...shared,
    name: stream,
    num_replicas: 1,
    mirror_direct: true,
    mirror: { name: stream, external: { api: hubApi, deliver: '' } },
  };
  try {
    await callApi(connection, `${leafApi}.STREAM.CREATE.${stream}`, config, callLimitMs);
  } catch (error) {
    if (!hasApiCode(error, apiErrors.streamNameInUse)) throw error;
  }
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
