import type { NatsConnection } from '@nats-io/transport-node';
import { apiErrors, apiOf, callApi, hasApiCode, hubApi, leafApi } from './api.ts';
import type { Source } from './freshness.ts';
import { streamOf, subjectOf } from './subjects.ts';

interface StreamConfig {
  readonly num_replicas: number;
  readonly [option: string]: unknown;
}

interface StreamInfo {
  readonly config: StreamConfig;
  readonly state: { readonly last_seq: number };
  readonly mirror?: { readonly lag: number; readonly active: number };
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

/**
 * Makes the stream on the hub and its mirror on the leaf where they are missing, and adds
 * replicas to a stream that has fewer. Idempotent; safe when several nodes do it at once.
 *
 * @returns a sentence when the mirror cannot follow the hub, else `undefined`.
 * @throws whatever `callApi` throws: try again later.
 */
export async function ensureBucket(
  connection: NatsConnection,
  bucket: string,
  replicas: number,
): Promise<string | undefined> {
  // The mirror first: later readings of the hub can only be higher.
  const mirror = await streamInfo(connection, leafApi, bucket);
  const origin = await ensureOrigin(connection, bucket, replicas);
  if (!mirror) await createMirror(connection, bucket);
  if (!mirror || mirror.state.last_seq <= origin.state.last_seq) return undefined;
  return (
    `bucket ${bucket}: this region's mirror is ahead of the hub (${mirror.state.last_seq} > ${origin.state.last_seq}): ` +
    'the hub was set back or made anew, and the mirror keeps what it had. Restore the hub, or delete the mirror'
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
    return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
  }
  const config = {
    ...shared,
    name: stream,
    subjects: [subjectOf(bucket, '>')],
    num_replicas: replicas,
    deny_delete: true,
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

async function createMirror(connection: NatsConnection, bucket: string): Promise<void> {
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
