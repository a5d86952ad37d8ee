import type { Clock } from '../../base/clock.ts';
import type { DeclaredBucket, DeclaredSettings } from '../declared.ts';
import { storeError } from '../errors.ts';
import { checkBucketName, checkLogName, checkSubject } from '../names.ts';
import { PartedObjects } from '../objects.ts';
import type { LogSettings, RegionalLog } from '../regional-log.ts';
import type { Bucket, BucketStatus, Objects, Signal, Store, StoreStatus } from '../store.ts';
import { MemoryBucket } from './memory-bucket.ts';
import { MemoryDeclaredBucket } from './memory-declared-bucket.ts';
import { MemoryLog } from './memory-log.ts';

type Listener = (payload: Uint8Array) => void;

/** The store of a single node, and of tests: gone with the process. */
export class MemoryStore implements Store {
  readonly #buckets = new Map<string, MemoryBucket>();
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #declared = new Map<string, MemoryDeclaredBucket>();
  readonly #logs = new Map<string, MemoryLog>();
  readonly #clock: Clock;
  readonly #openedAtMs: number;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#openedAtMs = clock.monotonicMs();
  }

  bucket(name: string): Bucket {
    checkBucketName(name);
    return this.#open(name);
  }

  declared(name: string, settings: DeclaredSettings): DeclaredBucket {
    checkBucketName(name);
    this.#checkOpen();
    const known = this.#declared.get(name);
    if (known) known.settings = settings;
    if (known) return known;
    const checkOpen = () => this.#checkOpen();
    const bucket = new MemoryDeclaredBucket({ name, settings, clock: this.#clock, checkOpen });
    this.#declared.set(name, bucket);
    return bucket;
  }

  adjust(): void {}

  objects(name: string): Objects {
    checkBucketName(name);
    return new PartedObjects(this.#open(`${name}_objects`));
  }

  regionalLog(name: string, settings: LogSettings): RegionalLog {
    checkLogName(name);
    this.#checkOpen();
    const log = this.#logs.get(name) ?? new MemoryLog(name, this.#clock);
    this.#logs.set(name, log);
    log.settings = settings;
    return log;
  }

  signal(subject: string): Signal {
    checkSubject(subject);
    return {
      publish: (payload) => this.#publish(subject, payload),
      subscribe: (listener) => this.#subscribe(subject, listener),
    };
  }

  status(): StoreStatus {
    return {
      engine: 'memory',
      reachable: !this.#closed,
      sinceMs: this.#openedAtMs,
      outOfReachForMs: 0,
      lastError: undefined,
      server: undefined,
      serverVersion: undefined,
      unsafe: undefined,
      unverified: undefined,
      buckets: [...this.#buckets.keys()].sort().map(statusOf),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const bucket of this.#buckets.values()) bucket.close();
    for (const bucket of this.#declared.values()) bucket.end();
    for (const log of this.#logs.values()) log.end();
    this.#listeners.clear();
  }

  #open(name: string): MemoryBucket {
    const known = this.#buckets.get(name);
    if (known) return known;
    const bucket = new MemoryBucket(name, () => this.#checkOpen());
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #checkOpen(): void {
    if (this.#closed) throw storeError('store_closed', 'the store was closed');
  }

  #publish(subject: string, payload: Uint8Array): boolean {
    if (this.#closed) return false;
    for (const listener of this.#listeners.get(subject) ?? []) {
      const copy = payload.slice();
      queueMicrotask(() => {
        if (this.#listeners.get(subject)?.has(listener)) listener(copy);
      });
    }
    return true;
  }

  #subscribe(subject: string, listener: Listener): { close(): void } {
    // A function of its own, so that the same listener can be subscribed twice.
    const own: Listener = (payload) => listener(payload);
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(own));
    return { close: () => void listeners.delete(own) };
  }
}

function statusOf(name: string): BucketStatus {
  return {
    name,
    leader: 'memory',
    replicas: 1,
    current: 1,
    quorum: true,
    staleForMs: 0,
    lagMessages: 0,
    mirrorSilentMs: 0,
  };
}
