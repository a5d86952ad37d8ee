import { createHash } from 'node:crypto';
import type { Change } from '../../src/revisions/change.ts';
import type { ObservedReport } from '../../src/revisions/reports.ts';
import type { Acknowledgement, Head, RevisionInfo, Rollout } from '../../src/revisions/revision.ts';
import type { Bucket, Entry, Store, Watch } from '../../src/store/store.ts';

const time = '2026-01-02T03:04:05.678Z';

export function hashOf(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A change to a document of two regions that `content` makes different from others. */
export function changeTo(
  content: string,
  base: Change['base'],
  more: Partial<Change> = {},
): Change {
  const document = { regions: { east: {}, west: {} }, content };
  return { document, hash: hashOf(content), base, author: 'ana', message: '', ...more };
}

export function infoOf(sequence: number, content = String(sequence)): RevisionInfo {
  return {
    sequence,
    hash: hashOf(content),
    serial: 1_700_000_000 + sequence,
    appliedAt: time,
    author: 'ana',
    message: 'why',
    kind: 'apply',
    base: sequence === 1 ? undefined : { sequence: sequence - 1, hash: hashOf('before') },
    restores: undefined,
    seed: undefined,
    content: {
      nonce: hashOf(`content ${content}`).slice(0, 24),
      parts: 1,
      bytes: 10,
      sha256: hashOf('bytes'),
    },
    change: undefined,
  };
}

export function rolloutOf(more: Partial<Rollout> = {}): Rollout {
  return {
    waves: [['east'], ['west']],
    reached: 1,
    pauseMs: 10_000,
    bounds: { errorShare: 0.1, readyShare: 1 },
    state: 'running',
    reason: 'wave 1 of 2 has begun',
    baseline: {},
    ...more,
  };
}

/** Revision 2 after revision 1. */
export function headOf(rollout?: Rollout): Head {
  return { version: 1, current: infoOf(2), previous: infoOf(1), rollout };
}

export function acknowledgementOf(
  region: string,
  sequence: number,
  more: Partial<Acknowledgement> = {},
): Acknowledgement {
  return {
    version: 1,
    region,
    node: region,
    running: { sequence, hash: hashOf(String(sequence)) },
    durationMs: 12.5,
    refused: undefined,
    pendingRestart: [],
    at: time,
    localFile: undefined,
    ...more,
  };
}

export function reportOf(
  region: string,
  sequence: number,
  more: Partial<ObservedReport> = {},
): ObservedReport {
  return {
    region,
    node: region,
    ready: true,
    revision: { sequence, hash: hashOf(String(sequence)) },
    traffic: { requests: 0, failed: 0, startedAt: time },
    reportedAt: time,
    localFile: undefined,
    storeRevision: 1,
    silentForMs: 0,
    ...more,
  };
}

/** What a test does to the calls of a bucket. Each gets the call itself to make it, or not. */
export interface Tampering {
  get?(
    key: string,
    call: () => Promise<Entry | undefined>,
    from: string,
  ): Promise<Entry | undefined>;
  write?(key: string, call: () => Promise<number>): Promise<number>;
  watch?(call: () => Watch): Watch;
}

/** A store whose bucket `config` is tampered with. */
export function tamperedStore(store: Store, tampering: Tampering): Store {
  const bucket = tamperedBucket(store.bucket('config'), tampering);
  return {
    bucket: (name) => (name === 'config' ? bucket : store.bucket(name)),
    declared: (name, settings) => store.declared(name, settings),
    regionalLog: (name, settings) => store.regionalLog(name, settings),
    adjust: (wanted) => store.adjust(wanted),
    objects: (name) => store.objects(name),
    signal: (subject) => store.signal(subject),
    status: () => store.status(),
    close: () => store.close(),
  };
}

function tamperedBucket(bucket: Bucket, { get, write, watch }: Tampering): Bucket {
  const writing = (key: string, call: () => Promise<number>) => write?.(key, call) ?? call();
  return {
    name: bucket.name,
    get(key, options) {
      const call = () => bucket.get(key, options);
      return get?.(key, call, options?.from ?? 'replica') ?? call();
    },
    put: (key, value) => writing(key, () => bucket.put(key, value)),
    create: (key, value) => writing(key, () => bucket.create(key, value)),
    update: (key, value, expected) => writing(key, () => bucket.update(key, value, expected)),
    delete: (key, expected) => bucket.delete(key, expected),
    keys: (prefix) => bucket.keys(prefix),
    watch(prefix) {
      const call = () => bucket.watch(prefix);
      return watch?.(call) ?? call();
    },
    staleForMs: () => bucket.staleForMs(),
  };
}
