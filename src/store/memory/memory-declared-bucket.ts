import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import {
  type DeclaredBucket,
  type DeclaredSettings,
  type DeclaredStatus,
  type FoundRecord,
  type KeyList,
  type Position,
  type RecordEvent,
  type Records,
  type RecordWatch,
  type RecordWrite,
  recordOverheadBytes,
} from '../declared.ts';
import { storeError } from '../errors.ts';
import { FirstKeys, type PageOptions } from '../key-index.ts';
import { LatestQueue } from '../latest-queue.ts';
import { checkKey, checkPrefix } from '../names.ts';

interface Slot extends FoundRecord {
  readonly writtenAtMs: number;
}

interface Watcher {
  readonly prefix: string;
  readonly queue: LatestQueue<RecordEvent> & RecordWatch;
}

export interface MemoryDeclaredOptions {
  readonly name: string;
  readonly settings: DeclaredSettings;
  readonly clock: Clock;
  checkOpen(): void;
}

/**
 * A declared bucket in the memory of one process. Each operation runs in one turn of the
 * event loop, which makes all of them linearizable.
 */
export class MemoryDeclaredBucket implements DeclaredBucket {
  settings: DeclaredSettings;
  readonly #options: MemoryDeclaredOptions;
  readonly #epoch = randomUUID();
  readonly #slots = new Map<string, Slot>();
  readonly #watchers = new Set<Watcher>();
  #revision = 0;

  constructor(options: MemoryDeclaredOptions) {
    this.#options = options;
    this.settings = options.settings;
  }

  async read(keys: readonly string[]): Promise<Records> {
    this.#options.checkOpen();
    const found = new Map<string, FoundRecord>();
    for (const key of keys) {
      checkKey(key);
      const slot = this.#slot(key);
      if (slot) found.set(key, { ...slot, value: slot.value.slice() });
    }
    return { found, staleForMs: 0 };
  }

  async write({ key, value, expectedRevision, id }: RecordWrite): Promise<number> {
    this.#options.checkOpen();
    checkKey(key);
    const last = this.#slot(key);
    if (expectedRevision !== undefined && expectedRevision !== (last?.revision ?? 0)) {
      const text = `${this.#options.name}/${key} does not have revision ${expectedRevision} any more`;
      throw storeError('revision_mismatch', text);
    }
    if (value) this.#checkRoom(key, value, last);
    const slot: Slot = {
      key,
      value: Uint8Array.from(value ?? []),
      revision: ++this.#revision,
      deleted: value === undefined,
      writeId: id,
      writtenAtMs: this.#nowMs(),
    };
    this.#slots.delete(key); // so that the map is in order of revisions
    this.#slots.set(key, slot);
    for (const watcher of this.#watchers) this.#tell(watcher, slot);
    return slot.revision;
  }

  async keys(page: PageOptions): Promise<KeyList> {
    this.#options.checkOpen();
    checkPrefix(page.prefix);
    const first = new FirstKeys(page);
    for (const key of this.#slots.keys()) if (this.#slot(key)?.deleted === false) first.add(key);
    return { ...first.page(), staleForMs: 0 };
  }

  watch(prefix: string, after?: Position): RecordWatch {
    this.#options.checkOpen();
    checkPrefix(prefix);
    const queue = new LatestQueue<RecordEvent>(() => this.#watchers.delete(watcher));
    const watcher: Watcher = { prefix, queue };
    if (after && this.#isLost(after)) {
      const text = `${this.#options.name}: what came after the position is not known any more`;
      queue.fail(storeError('position_lost', text));
      return queue;
    }
    this.#watchers.add(watcher);
    for (const key of this.#slots.keys()) {
      const slot = this.#slot(key);
      if (slot && slot.revision > (after?.revision ?? 0)) this.#tell(watcher, slot);
    }
    queue.add({ type: 'caughtUp', position: this.#position(this.#revision) }, undefined);
    return queue;
  }

  status(): DeclaredStatus {
    return { writable: true, problem: undefined };
  }

  /** What is stored stays, for whoever opens it again. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    for (const { queue } of this.#watchers) queue.close();
  }

  #tell({ prefix, queue }: Watcher, slot: Slot): void {
    const { key, revision, deleted } = slot;
    if (!key.startsWith(prefix)) return;
    const record = { key, value: slot.value.slice(), revision, deleted };
    const position = this.#position(revision, slot.writtenAtMs);
    queue.add({ type: 'record', record, position }, key);
  }

  #position(revision: number, writtenAtMs = this.#nowMs()): Position {
    return { epoch: this.#epoch, revision, writtenAtMs };
  }

  #isLost({ epoch, revision, writtenAtMs }: Position): boolean {
    if (epoch !== this.#epoch || revision > this.#revision) return true;
    return revision < this.#revision && this.#isAged(writtenAtMs);
  }

  /** Values that are too old are dropped when somebody comes by. */
  #slot(key: string): Slot | undefined {
    const slot = this.#slots.get(key);
    if (!slot || !this.#isAged(slot.writtenAtMs)) return slot;
    this.#slots.delete(key);
    return undefined;
  }

  #isAged(writtenAtMs: number): boolean {
    return this.#nowMs() - writtenAtMs > (this.settings.maximumAgeMs ?? Number.POSITIVE_INFINITY);
  }

  #nowMs(): number {
    return this.#options.clock.wallMs();
  }

  #checkRoom(key: string, value: Uint8Array, last: Slot | undefined): void {
    const size = (bytes: Uint8Array) => key.length + bytes.byteLength + recordOverheadBytes;
    let bytes = size(value) - (last ? size(last.value) : 0);
    for (const slot of this.#slots.values()) {
      bytes += slot.key.length + slot.value.byteLength + recordOverheadBytes;
    }
    if (bytes <= this.settings.maximumBytes) return;
    throw storeError('store_full', `${this.#options.name}/${key}: the bucket has no room for it`);
  }
}
