import type { NatsConnection } from '@nats-io/transport-node';
import type { Position, RecordEvent, RecordWatch } from '../declared.ts';
import { storeError } from '../errors.ts';
import { LatestQueue } from '../latest-queue.ts';
import { type Delivery, followStream } from './follow.ts';
import type { Source } from './freshness.ts';
import { keepFollowing } from './keep-following.ts';
import type { Link } from './link.ts';
import { type Extent, extentOf } from './streams.ts';
import { filterOf } from './watch.ts';

/** Held for a reader that does not take it; what is on its way then is some MiB more. */
const roomBytes = 8 * 1024 * 1024;

export interface FollowedRecordsOptions {
  readonly bucket: string;
  readonly prefix: string;
  readonly after: Position | undefined;
  readonly link: Link;
  maximumAgeMs(): number | undefined;
  /** Where to follow the bucket now. */
  source(): Source;
  /** The revision of a barrier. */
  end(): Promise<number>;
  /** Before the watch tells of it. */
  onRecord(key: string): void;
  onClose(): void;
}

/**
 * Follows a declared bucket over connections and servers as `ReplicaWatch` does, from a
 * position of any region: revisions and epoch are the same in all copies.
 *
 *   position ─▶ other epoch, or beyond the end (by a barrier) ────▶ `position_lost`
 *            ─▶ older than the age, and something was written since ▶ `position_lost`
 *            ─▶ else: what is newer, `caughtUp`, and what follows
 *
 * The stream keeps the last record of each key, so that only an age makes one disappear that
 * a reader has not seen: a tombstone, mostly.
 */
export class FollowedRecords {
  readonly queue: LatestQueue<RecordEvent> & RecordWatch;
  readonly #options: FollowedRecordsOptions;
  readonly #ending: AbortSignal;
  #position: Position | undefined;

  constructor(options: FollowedRecordsOptions) {
    this.#options = options;
    this.#position = options.after;
    const closing = new AbortController();
    this.#ending = AbortSignal.any([closing.signal, options.link.closing]);
    this.queue = new LatestQueue(() => {
      closing.abort();
      options.onClose();
    }, roomBytes);
    void this.#run();
  }

  async #run(): Promise<void> {
    const { link, source } = this.#options;
    try {
      await keepFollowing({
        link,
        ending: this.#ending,
        choose: source,
        follow: (connection, chosen, signal) => this.#follow(connection, chosen, signal),
      });
      this.queue.close();
    } catch (error) {
      this.queue.fail(error);
    }
  }

  async #follow(connection: NatsConnection, source: Source, signal: AbortSignal): Promise<void> {
    const { bucket, prefix, link } = this.#options;
    const extent = await extentOf(connection, source, bucket);
    if (!extent) return;
    await this.#checkPosition(extent);
    this.#position ??= { epoch: extent.epoch, revision: 0, writtenAtMs: extent.lastWrittenAtMs };
    const isSame = async (upTo: number) =>
      isSameCopy(extent, await extentOf(connection, source, bucket), upTo);
    await followStream(connection, {
      source,
      bucket,
      filter: filterOf(prefix),
      afterRevision: this.#position.revision,
      headersOnly: false,
      inboxPrefix: link.connection.inboxPrefix,
      signal,
      pages: { paging: link.paging[source], isSame },
      room: () => this.queue.room(),
      onDelivery: (delivery) => this.#deliver(delivery),
      onCaughtUp: () => this.#catchUp(source === 'mirror' ? extent : undefined),
    });
  }

  async #checkPosition(extent: Extent): Promise<void> {
    const position = this.#position;
    if (!position) return;
    const reason = judgePosition(position, extent, {
      nowMs: Date.now(),
      maximumAgeMs: this.#options.maximumAgeMs(),
    });
    if (reason === undefined) return;
    // A mirror may not have come so far yet as another one, nor a leader that is new in office
    // or has lost it unnoticed: only what a majority confirms now tells where the end is.
    if (reason === 'ahead') {
      const end = await this.#options.end().catch(() => undefined);
      if (end === undefined || end > position.revision) return;
    }
    const text = `${this.#options.bucket}: what came after the position is not known any more`;
    throw storeError('position_lost', text);
  }

  #deliver({ key, value, revision, deleted, writtenAtMs }: Delivery): void {
    const position = { ...this.#position!, revision, writtenAtMs };
    this.#position = position;
    if (!key.startsWith(this.#options.prefix)) return;
    this.#options.onRecord(key);
    const record = { key, value, revision, deleted };
    this.queue.add({ type: 'record', record, position }, key, value.byteLength + key.length);
  }

  /**
   * All up to where the copy was when it was asked has been delivered, if not more. Of the hub that
   * says nothing: its leader was asked, and any voter delivers, which may be behind.
   */
  #catchUp(extent: Extent | undefined): void {
    if (extent && extent.lastRevision > this.#position!.revision) {
      const { lastRevision: revision, lastWrittenAtMs: writtenAtMs } = extent;
      this.#position = { ...this.#position!, revision, writtenAtMs };
    }
    this.queue.add({ type: 'caughtUp', position: this.#position! }, undefined);
  }
}

/** Why a watch cannot go on from a position in a copy that has come so far. Pure. */
export function judgePosition(
  { epoch, revision, writtenAtMs }: Position,
  extent: Pick<Extent, 'epoch' | 'lastRevision'>,
  { nowMs, maximumAgeMs }: { readonly nowMs: number; readonly maximumAgeMs: number | undefined },
): 'other' | 'ahead' | 'aged' | undefined {
  if (epoch !== extent.epoch) return 'other';
  if (revision > extent.lastRevision) return 'ahead';
  if (maximumAgeMs === undefined || revision === 0) return undefined;
  if (revision === extent.lastRevision) return undefined;
  return nowMs - writtenAtMs > maximumAgeMs ? 'aged' : undefined;
}

/**
 * Whether a copy is the one that it was, and has what it had and told. A mirror may be made anew in the
 * same life of the bucket, and is filled again from its beginning; one whose disk is full may have
 * said that it has what it could not keep. Pure.
 */
export function isSameCopy(before: Extent, now: Extent | undefined, revision: number): boolean {
  if (!now || now.epoch !== before.epoch || now.madeAt !== before.madeAt) return false;
  return now.lastRevision >= Math.max(before.lastRevision, revision);
}
