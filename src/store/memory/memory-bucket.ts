import { storeError } from '../errors.ts';
import { checkKey, checkPrefix, checkValue } from '../names.ts';
import type { Bucket, Entry, Watch, WatchEvent } from '../store.ts';
import { WatchQueue } from '../watch-queue.ts';

/** `value` is `undefined` for a deleted key: its revision lives on for compare-and-set. */
interface Slot {
  readonly value: Uint8Array | undefined;
  readonly revision: number;
}

interface Watcher {
  readonly prefix: string;
  readonly queue: WatchQueue;
}

/**
 * A bucket in the memory of one process. Each operation runs in one turn of the event
 * loop, which makes it linearizable. Bytes are copied at both doors, as a network would.
 */
export class MemoryBucket implements Bucket {
  readonly name: string;
  readonly #checkOpen: () => void;
  readonly #slots = new Map<string, Slot>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;

  constructor(name: string, checkOpen: () => void) {
    this.name = name;
    this.#checkOpen = checkOpen;
  }

  async get(key: string): Promise<Entry | undefined> {
    this.#check(key);
    const slot = this.#slots.get(key);
    if (slot?.value === undefined) return undefined;
    return { key, value: Uint8Array.from(slot.value), revision: slot.revision, staleForMs: 0 };
  }

  async put(key: string, value: Uint8Array): Promise<number> {
    this.#check(key, value);
    return this.#write(key, Uint8Array.from(value));
  }

  async create(key: string, value: Uint8Array): Promise<number> {
    this.#check(key, value);
    if (this.#slots.get(key)?.value !== undefined) {
      throw storeError('key_exists', `${this.name}/${key} has a value already`);
    }
    return this.#write(key, Uint8Array.from(value));
  }

  async update(key: string, value: Uint8Array, expectedRevision: number): Promise<number> {
    this.#check(key, value);
    this.#expect(key, expectedRevision);
    return this.#write(key, Uint8Array.from(value));
  }

  async delete(key: string, expectedRevision?: number): Promise<void> {
    this.#check(key);
    if (expectedRevision !== undefined) this.#expect(key, expectedRevision);
    this.#write(key, undefined);
  }

  async keys(prefix = ''): Promise<readonly string[]> {
    this.#checkOpen();
    checkPrefix(prefix);
    return [...this.#slots]
      .filter(([key, { value }]) => value !== undefined && key.startsWith(prefix))
      .map(([key]) => key)
      .sort();
  }

  watch(prefix = ''): Watch {
    this.#checkOpen();
    checkPrefix(prefix);
    const queue = new WatchQueue(() => this.#watchers.delete(watcher));
    const watcher: Watcher = { prefix, queue };
    this.#watchers.add(watcher);
    const current = [...this.#slots].filter(([key]) => key.startsWith(prefix));
    current.sort(([, a], [, b]) => a.revision - b.revision);
    for (const [key, slot] of current) queue.push(eventOf(key, slot));
    queue.push({ type: 'caughtUp' });
    return queue;
  }

  staleForMs(): number {
    return 0;
  }

  close(): void {
    for (const { queue } of this.#watchers) queue.close();
  }

  #check(key: string, value?: Uint8Array): void {
    this.#checkOpen();
    checkKey(key);
    if (value) checkValue(value, `${this.name}/${key}`);
  }

  #expect(key: string, revision: number): void {
    if ((this.#slots.get(key)?.revision ?? 0) === revision) return;
    throw storeError(
      'revision_mismatch',
      `${this.name}/${key} does not have revision ${revision} any more`,
    );
  }

  #write(key: string, value: Uint8Array | undefined): number {
    const slot = { value, revision: ++this.#revision };
    this.#slots.set(key, slot);
    for (const { prefix, queue } of this.#watchers) {
      if (key.startsWith(prefix)) queue.push(eventOf(key, slot));
    }
    return slot.revision;
  }
}

function eventOf(key: string, { value, revision }: Slot): WatchEvent {
  if (value === undefined) return { type: 'delete', key, revision };
  return { type: 'put', key, value: Uint8Array.from(value), revision };
}
