import type { Clock } from '../base/clock.ts';
import { isStoreError } from '../store/errors.ts';
import type { WatchEvent } from '../store/store.ts';
import { Trouble } from '../store/trouble.ts';
import { WatchAndCompare } from '../store/watch-and-compare.ts';
import { isRevisionError } from './errors.ts';
import { headKey, isSameRevision } from './head.ts';
import { parseHead } from './parse.ts';
import { desiredRevision, type Head, type RevisionInfo, type RevisionRef } from './revision.ts';
import type { Revisions, SeenHead } from './revisions.ts';

export interface FollowerOptions {
  readonly revisions: Revisions;
  readonly region: string;
  readonly clock: Clock;
  /** The newest that the node ran before it started: older ones are not followed. */
  readonly seen?: RevisionRef | undefined;
  /** What the region is to run: once at first, then whenever that changes. Must not throw. */
  onDesired(info: RevisionInfo, head: Head): void;
  /** Whenever the head changes, as it does with each step of a rollout. Must not throw. */
  onHead?(head: Head): void;
  /** What is wrong with the head; told when it changes. The last good one is kept. */
  onTrouble?(message: string): void;
  /** From 0 to below 1. */
  random?(): number;
}

/**
 * Tells what the own region is to run, now and whenever that changes.
 *
 *   watch of the head ───────────┐ at once
 *                                ▼
 *                           may it follow ──▶ desired for the region ──▶ onDesired
 *                                ▲   │ no
 *   compare, every 4 to 5 s ─────┘   └──▶ onTrouble, the last good one stays
 *   (leader; else the replica, which says how old it may be)
 *
 * A watch that stopped in silence costs one interval at most. The sequence of what is
 * followed never falls: where a replica lags, a leader is about to be deposed, or the store
 * was set back or made anew, an older head is not followed. A store that was made anew is
 * followed from where its sequence has reached what was seen (`Author.after`).
 */
export class Follower {
  readonly #options: FollowerOptions;
  #last: SeenHead | undefined;
  #desired: RevisionInfo | undefined;
  /** When what is followed was last known to be the newest, by the monotonic clock. */
  #knownAtMs = Number.NEGATIVE_INFINITY;
  #adoptedAtMs = Number.NEGATIVE_INFINITY;
  readonly #trouble: Trouble;
  readonly #loops: WatchAndCompare;

  constructor(options: FollowerOptions) {
    const { clock, revisions, random } = options;
    this.#options = options;
    this.#trouble = new Trouble(options.onTrouble);
    this.#loops = new WatchAndCompare({
      ...{ clock, random, watch: () => revisions.watchHead() },
      onEvent: (event) => this.#onEvent(event),
      compare: () => this.#compare(),
      onError: (error) => this.#trouble.tellError(error),
    });
  }

  get head(): Head | undefined {
    return this.#last?.head;
  }

  /** What is wrong with the head at present. */
  get trouble(): string | undefined {
    return this.#trouble.message;
  }

  /** Since it was last known that `head` is the newest; `Infinity`: never. */
  staleForMs(): number {
    return this.#options.clock.monotonicMs() - this.#knownAtMs;
  }

  start(): void {
    this.#loops.start();
  }

  close(): void {
    this.#loops.close();
  }

  #onEvent(event: WatchEvent): void {
    if (event.type !== 'put' || event.key !== headKey) return;
    const { value, revision: storeRevision } = event;
    const read = () => ({
      ...{ head: parseHead(value), storeRevision },
      staleForMs: Number.POSITIVE_INFINITY,
    });
    this.#examine(read, true);
  }

  async #compare(): Promise<void> {
    try {
      await this.#compareWith('leader');
    } catch (error) {
      if (isRevisionError(error, 'revision_damaged') && (await this.#mend())) return;
      if (!isStoreError(error)) throw error;
      await this.#compareWith('replica').catch(() => {});
    }
  }

  async #compareWith(from: 'leader' | 'replica'): Promise<void> {
    const { clock, revisions } = this.#options;
    const askedAtMs = clock.monotonicMs();
    const seen = await revisions.head(from);
    if (this.#loops.closed) return;
    // The watch may have brought a newer one than the answer meanwhile.
    const mayBeLate = from === 'replica' || this.#adoptedAtMs >= askedAtMs;
    if (!seen && this.#last) {
      if (!mayBeLate)
        this.#trouble.tell('the store has no revision any more; the last one is kept');
      return;
    }
    if (seen && !this.#examine(() => seen, mayBeLate)) return;
    const ageMs = from === 'leader' ? 0 : (seen?.staleForMs ?? revisions.staleForMs());
    this.#knownAtMs = Math.max(this.#knownAtMs, askedAtMs - ageMs);
  }

  /** What cannot be read blocks every change: the head that was seen goes back to its place. */
  async #mend(): Promise<boolean> {
    const last = this.#last;
    if (!last || !(await this.#options.revisions.mend(last.head))) return false;
    const { sequence } = last.head.current;
    this.#trouble.tell(
      `the head of the configuration was torn: revision ${sequence}, which was seen, is given back`,
    );
    return true;
  }

  /**
   * @param mayBeLate whether it is nothing to tell of when the head is an older one.
   * @returns whether what is followed now is the head that was read.
   */
  #examine(read: () => SeenHead, mayBeLate: boolean): boolean {
    let seen: SeenHead;
    try {
      seen = read();
    } catch (error) {
      this.#trouble.tellError(error);
      return false;
    }
    const verdict = mayFollow(this.#last, seen, this.#options.seen);
    if (verdict === 'older' && mayBeLate) return false;
    if (verdict === 'older' || verdict === 'backwards') {
      const { sequence } = this.#last?.head.current ?? this.#options.seen ?? { sequence: 0 };
      const now = `the store says revision ${seen.head.current.sequence}`;
      this.#trouble.tell(
        `${now}, and revision ${sequence} or a later stage of it was seen: not followed`,
      );
      return false;
    }
    if (verdict !== 'anew') this.#trouble.clear();
    else this.#trouble.tell('the store was made anew or set back, and is followed again');
    if (verdict !== 'same') this.#adopt(seen);
    return true;
  }

  #adopt(seen: SeenHead): void {
    const { region, clock, onDesired, onHead } = this.#options;
    this.#last = seen;
    this.#adoptedAtMs = clock.monotonicMs();
    const desired = desiredRevision(seen.head, region);
    const changed = !this.#desired || !isSameRevision(this.#desired, desired);
    this.#desired = desired;
    onHead?.(seen.head);
    if (changed) onDesired(desired, seen.head);
  }
}

/**
 * Whether a head may take the place of the one before. Revisions of one store only grow, so
 * a smaller one is either late, or of a store that was set back or made anew; which of the
 * two, its sequence tells.
 *
 *   - `newer`, `anew`: follow
 *   - `same`: nothing new
 *   - `older`: an earlier stage of what is followed, or late
 *   - `backwards`: a later write with an earlier sequence
 */
function mayFollow(
  last: SeenHead | undefined,
  { head, storeRevision }: SeenHead,
  floor: RevisionRef | undefined,
): 'newer' | 'anew' | 'same' | 'older' | 'backwards' {
  const { sequence, content } = head.current;
  if (!last) return sequence < (floor?.sequence ?? 0) ? 'backwards' : 'newer';
  const before = last.head.current;
  const newer = storeRevision > last.storeRevision;
  if (sequence < before.sequence) return newer ? 'backwards' : 'older';
  const otherContent = sequence === before.sequence && content.nonce !== before.content.nonce;
  if (newer) return otherContent ? 'anew' : 'newer';
  if (sequence > before.sequence || otherContent) return 'anew';
  return storeRevision === last.storeRevision ? 'same' : 'older';
}
