import { maximumObjectBytes, maximumValueBytes } from '../store/store.ts';
import { fail } from './errors.ts';
import { Fields, isLine, namePattern, oneLine, type Refuse, sha256Pattern } from './fields.ts';
import type {
  Acknowledgement,
  ContentRef,
  Head,
  LocalFile,
  Refusal,
  RevisionInfo,
  RevisionRef,
  Rollout,
  TrafficCount,
} from './revision.ts';

export const authorLength = 200;
export const messageLength = 1_000;
export const seedPattern = /^[A-Za-z0-9_-]{1,64}$/;
/** As `randomBytes(12)` in hexadecimal: names of contents and of changes. */
export const noncePattern = /^[0-9a-f]{24}$/;
/** Of gzipped contents. */
export const maximumContentBytes = maximumObjectBytes;
export const partBytes = maximumValueBytes;
export const longestPauseMs = 7 * 86_400_000;
const maximumSerial = 0xffff_ffff;
const mostRegions = 1_000;
const mostNodes = 10_000;
const reasonLength = 4_000;
const mostPending = 100;
const runningHash = /^([0-9a-f]{64})?$/;

/** @throws RevisionError `revision_damaged` that names the field, never what stands there. */
export function parseHead(bytes: Uint8Array): Head {
  const refuse = damaged('the head of the configuration');
  const fields = Fields.ofJson(bytes, '', refuse);
  const head: Head = {
    version: fields.choice('version', 1),
    current: infoOf(fields.fields('current')),
    previous: fields.optional('previous', (name) => infoOf(fields.fields(name))),
    rollout: fields.optional('rollout', (name) => rolloutOf(fields.fields(name))),
  };
  const { rollout, previous, current } = head;
  if (previous && previous.sequence >= current.sequence) refuse('previous.sequence');
  if (rollout && !previous) refuse('previous');
  if (rollout && rollout.reached > rollout.waves.length) refuse('rollout.reached');
  return head;
}

/**
 * @param what for messages: `revision 12`.
 * @throws RevisionError `revision_damaged`
 */
export function parseInfo(bytes: Uint8Array, what: string): RevisionInfo {
  return infoOf(Fields.ofJson(bytes, '', damaged(what)));
}

/** What names a revision among the fields of something that came from outside. */
export function infoOf(fields: Fields): RevisionInfo {
  return {
    ...refOf(fields),
    serial: fields.count('serial', 0, maximumSerial),
    appliedAt: fields.time('appliedAt'),
    author: fields.line('author', authorLength, 1),
    message: fields.line('message', messageLength),
    kind: fields.choice('kind', 'apply', 'rollback', 'seed'),
    base: fields.optional('base', (name) => refOf(fields.fields(name))),
    restores: fields.optional('restores', (name) => fields.count(name, 1)),
    seed: fields.optional('seed', (name) => fields.matching(name, seedPattern)),
    content: contentOf(fields.fields('content')),
    change: fields.optional('change', (name) => fields.matching(name, noncePattern)),
  };
}

/** @throws RevisionError `report_invalid` */
export function parseAcknowledgement(bytes: Uint8Array): Acknowledgement {
  const fields = Fields.ofJson(bytes, '', invalidReport);
  return {
    version: fields.choice('version', 1),
    region: fields.matching('region', namePattern),
    node: fields.matching('node', namePattern),
    running: runningOf(fields.fields('running')),
    durationMs: fields.amount('durationMs'),
    refused: fields.optional('refused', (name) => refusalOf(fields.fields(name))),
    pendingRestart: fields.list('pendingRestart', mostPending, (item) =>
      isLine(item, reasonLength) ? item : undefined,
    ),
    at: fields.time('at'),
    localFile: fields.optional('localFile', (name) => localFileOf(fields.fields(name))),
  };
}

/** Sequence 0: a file, or nothing at all; then the hash may be empty. */
export function runningOf(fields: Fields): RevisionRef {
  return { sequence: fields.count('sequence'), hash: fields.matching('hash', runningHash) };
}

export function localFileOf(fields: Fields): LocalFile {
  return { path: fields.line('path', 4_096, 1), hash: fields.matching('hash', sha256Pattern) };
}

export function trafficOf(fields: Fields): TrafficCount {
  return {
    requests: fields.count('requests'),
    failed: fields.count('failed'),
    startedAt: fields.time('startedAt'),
  };
}

export function invalidReport(what: string): never {
  return fail('report_invalid', `what a node reported cannot be read: ${what}`);
}

function contentOf(fields: Fields): ContentRef {
  const bytes = fields.count('bytes', 1, maximumContentBytes);
  const parts = Math.ceil(bytes / partBytes);
  return {
    nonce: fields.matching('nonce', noncePattern),
    parts: fields.count('parts', parts, parts),
    bytes,
    sha256: fields.matching('sha256', sha256Pattern),
  };
}

function refOf(fields: Fields): RevisionRef {
  return { sequence: fields.count('sequence', 1), hash: fields.matching('hash', sha256Pattern) };
}

function rolloutOf(fields: Fields): Rollout {
  const bounds = fields.fields('bounds');
  return {
    waves: fields.list('waves', mostRegions, (wave) => (isWave(wave) ? wave : undefined)),
    reached: fields.count('reached', 1),
    pauseMs: fields.count('pauseMs', 0, longestPauseMs),
    bounds: { errorShare: bounds.share('errorShare'), readyShare: bounds.share('readyShare') },
    state: fields.choice('state', 'running', 'done', 'rolledBack'),
    reason: fields.line('reason', reasonLength),
    baseline: Object.fromEntries(
      fields.entries('baseline', mostNodes).map(([node, count]) => [node, trafficOf(count)]),
    ),
  };
}

/** A few names of regions. */
export function isWave(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= mostRegions &&
    value.every((name) => typeof name === 'string' && namePattern.test(name))
  );
}

function refusalOf(fields: Fields): Refusal {
  return {
    ...refOf(fields),
    code: fields.line('code', 100, 1),
    reason: fields.text('reason', reasonLength),
  };
}

/** Within the bounds that `parseAcknowledgement` sets. */
export function boundedAcknowledgement(acknowledgement: Acknowledgement): Acknowledgement {
  const { refused, pendingRestart } = acknowledgement;
  return {
    ...acknowledgement,
    pendingRestart: pendingRestart.slice(0, mostPending).map((text) => oneLine(text, reasonLength)),
    refused: refused && { ...refused, reason: refused.reason.slice(0, reasonLength) },
  };
}

function damaged(what: string): Refuse {
  return (field) => {
    const place = field === '' ? '' : `: ${field}`;
    return fail('revision_damaged', `what the store holds of ${what} cannot be read${place}`);
  };
}
