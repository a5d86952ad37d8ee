import { type NatsConnection, PermissionViolationError } from '@nats-io/transport-node';
import type { LogSettings, LogState } from '../../regional-log.ts';
import { apiErrors, callApi, hasApiCode, JetStreamApiError, leafApi } from '../api.ts';
import type { LogPlace } from './log-api.ts';
import { logStream, logSubject } from './log-subjects.ts';

const callLimitMs = 1_000;

interface StreamInfo {
  readonly config: { readonly [option: string]: unknown };
  /** RFC 3339, in nanoseconds. */
  readonly created: string;
  readonly state: { readonly last_seq: number; readonly messages: number; readonly bytes: number };
}

/**
 * Makes the stream of a log on the region's own leaf where it is missing, and changes what of
 * its settings differs. Idempotent; safe when several nodes do it at once.
 *
 * @throws whatever `callApi` throws: try again later.
 */
export async function ensureLog(
  connection: NatsConnection,
  place: LogPlace,
  settings: LogSettings,
): Promise<LogState> {
  const config = configOf(place, settings);
  const askedAtMs = performance.now();
  const found = (await streamInfo(connection, place.name)) ?? (await create(connection, config));
  if (isAsWanted(found, config)) return stateOf(found, askedAtMs);
  const subject = `${leafApi}.STREAM.UPDATE.${config.name}`;
  try {
    const request = { ...found.config, ...config };
    const changed = await callApi<StreamInfo>(connection, subject, request, callLimitMs);
    return stateOf(changed, askedAtMs);
  } catch (error) {
    if (!(error instanceof JetStreamApiError || isForbidden(error))) throw error;
    // Refused, by the server or for want of the right: it is used as it is.
    const { max_bytes: bytes, max_age: age } = config;
    const problem =
      `stream ${config.name} of region ${place.region} does not have the limits of the configuration: ` +
      `"nats stream edit ${config.name} --max-bytes ${bytes} --max-age ${age / 1e9}s" sets them`;
    return { ...stateOf(found, askedAtMs), problem };
  }
}

/** `undefined` where there is no such stream. */
export async function logState(
  connection: NatsConnection,
  name: string,
): Promise<LogState | undefined> {
  const askedAtMs = performance.now();
  const info = await streamInfo(connection, name);
  return info && stateOf(info, askedAtMs);
}

function configOf({ region, name }: LogPlace, settings: LogSettings) {
  return {
    name: logStream(name),
    subjects: [logSubject(region, name, '>')],
    retention: 'limits',
    storage: 'file',
    discard: settings.whenFull === 'refuse' ? 'new' : 'old',
    max_msgs_per_subject: 1,
    max_bytes: settings.maximumBytes,
    max_age: (settings.maximumAgeMs ?? 0) * 1e6,
    allow_direct: true,
    // Nats-server 2.14.0: no stream compression.
    compression: 'none',
    num_replicas: 1,
    deny_delete: true,
    deny_purge: true,
  } as const;
}

async function create(
  connection: NatsConnection,
  config: ReturnType<typeof configOf>,
): Promise<StreamInfo> {
  try {
    const subject = `${leafApi}.STREAM.CREATE.${config.name}`;
    return await callApi<StreamInfo>(connection, subject, config, callLimitMs);
  } catch (error) {
    if (!hasApiCode(error, apiErrors.streamNameInUse)) throw error;
    const info = await callApi<StreamInfo>(connection, infoOf(config.name), {}, callLimitMs);
    return info;
  }
}

/** Of what may be changed. */
function isAsWanted({ config }: StreamInfo, wanted: ReturnType<typeof configOf>): boolean {
  const { max_bytes, max_age, discard } = config;
  return max_bytes === wanted.max_bytes && max_age === wanted.max_age && discard === wanted.discard;
}

async function streamInfo(
  connection: NatsConnection,
  name: string,
): Promise<StreamInfo | undefined> {
  try {
    return await callApi<StreamInfo>(connection, infoOf(logStream(name)), {}, callLimitMs);
  } catch (error) {
    if (hasApiCode(error, apiErrors.streamNotFound)) return undefined;
    throw error;
  }
}

function infoOf(stream: string): string {
  return `${leafApi}.STREAM.INFO.${stream}`;
}

function stateOf({ created, state }: StreamInfo, askedAtMs: number): LogState {
  return {
    epoch: created,
    lastSequence: state.last_seq,
    messages: state.messages,
    bytes: state.bytes,
    askedAtMs,
    ready: true,
    problem: undefined,
  };
}

function isForbidden(error: unknown): boolean {
  return error instanceof Error && error.cause instanceof PermissionViolationError;
}
