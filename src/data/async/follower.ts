import { LatestQueue } from '../../store/latest-queue.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import { type Canary, canarySubject, parseCanary } from './canary.ts';
import type { Copied } from './copier.ts';
import { whyNotCopied } from './errors.ts';
import { keepOn } from './keep-on.ts';
import { cursorSubject, type Start, savePosition, startIn } from './position.ts';
import { Lanes, Window } from './window.ts';

const atOnce = 32;
const roomBytes = 8 * 1024 * 1024;
const markBytes = 1_024;
const cursorEveryMs = 1_000;
/** Where nothing is copied, so that `ttl` does not end it. */
const renewEveryMs = 3_600_000;
/** How long what is from the future waits before it is looked at again. */
const heldForMs = 60_000;

export interface FollowerOptions {
  readonly log: RegionalLog;
  /** The region that is followed. */
  readonly from: string;
  readonly signal: AbortSignal;
  monotonicMs(): number;
  copy(message: LogMessage): Promise<Copied>;
  /** Something of its log came. */
  onReached(): void;
  /** It came; what was written before it may still be on its way into the own log. */
  onCanary(canary: Canary): void;
  /** Where it begins in that log; called before any canary comes. */
  onStart(start: Start): void;
  /**
   * All that the region had stored before it is in the own log.
   *
   * @returns whether nothing else is waited for: else the place in a log that is followed from the
   * start is stored as that of one.
   */
  onComplete(canary: Canary): boolean;
}

/** When what came before this is copied, nothing is missing that was stored before the canary. */
interface Mark {
  readonly canary: Canary;
  readonly sequence: number;
}

type Arrival = LogMessage | Mark | 'end';

/**
 * Follows another region's log and has its entries copied, several at once, those of a key one
 * after the other:
 *
 *   read its canary: epoch ─▶ as the cursor's ──────── from there ─▶ follow what it writes
 *         ▲                └▶ another, or no cursor ─▶ all that it has ─▶ │
 *         └── cut off, a gap, made anew, own log refuses: 250 ms to 1 s ──┘
 *
 * That a canary has come does not mean that all before it has: what was superseded meanwhile
 * comes later, in its newest form. So it counts with the next message after which nothing was
 * to come:
 *
 *   its log when 6 is sent    [4:a][5:canary][6:b][7:a]       comes: 5 6 7
 *   while 3 was on its way    [3:a][4:..]                     5 proves 3 only when 7 is here
 *
 * From the start means what it has of other regions too, and of this one: so a region whose
 * log was lost gets its own writes again.
 *
 *   [5 copied][6 copied][7 under way][8 copied][9 waiting]     the cursor is 6
 */
export class Follower {
  readonly ended: Promise<void>;
  readonly #options: FollowerOptions;
  #problem: string | undefined = 'it was not reached yet';
  #held = 0;
  /** The first of those in this round. */
  #heldFrom = Number.POSITIVE_INFINITY;
  /** What waits of other regions comes in a pass from the start only, so that is done again. */
  #keepsPlace = false;
  #anew = true;
  #malformed = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.ended = keepOn(
      () => this.#follow(),
      options.signal,
      (problem) => {
        this.#problem = problem;
      },
    );
  }

  /** Why what the region writes does not come, in a sentence. */
  get problem(): string | undefined {
    const { from } = this.#options;
    if (this.#problem !== undefined) return `region ${from} cannot be followed: ${this.#problem}`;
    if (this.#held > 0) {
      return `region ${from} writes with a clock that is more than an hour ahead of this one: ${this.#held} of its writes wait`;
    }
    if (this.#malformed === 0) return undefined;
    return `${this.#malformed} messages of region ${from} are no entries and were passed over`;
  }

  async #follow(): Promise<void> {
    const { log, from, signal } = this.#options;
    const start = await startIn(log, from, cursorSubject(from), signal);
    this.#held = 0;
    this.#heldFrom = Number.POSITIVE_INFINITY;
    this.#keepsPlace = false;
    this.#anew = start.anew;
    this.#options.onStart(start);
    let { sequence } = start;
    if (sequence === 0) sequence = await this.#pass('*.k.>', start, 'once');
    this.#keepsPlace = this.#held === 0;
    await this.#pass(`${from}.>`, { ...start, sequence }, 'on');
  }

  /** @returns how far it came. */
  async #pass(pattern: string, start: Start, mode: 'once' | 'on'): Promise<number> {
    const { log, from } = this.#options;
    const again = new AbortController();
    const queue = new LatestQueue<Arrival>(() => again.abort(), roomBytes);
    const arrive = this.#arrivals(queue, start.epoch);
    const copying = this.#copyAll(queue, start, mode);
    const following = log.follow({
      region: from,
      pattern,
      after: start.sequence,
      signal: AbortSignal.any([this.#options.signal, again.signal]),
      room: () => queue.room(),
      onMessage: arrive,
      onCaughtUp: () => {
        if (mode === 'once') queue.add('end', undefined);
      },
    });
    try {
      await Promise.race([following, copying]);
    } finally {
      again.abort();
      queue.close();
      await Promise.allSettled([following, copying]);
    }
    return await copying;
  }

  #arrivals(queue: LatestQueue<Arrival>, epoch: string) {
    const { from, onReached, onCanary } = this.#options;
    let newest: Canary | undefined;
    return (message: LogMessage, pending: number) => {
      const { subject, sequence, head, value } = message;
      onReached();
      if (subject === canarySubject(from)) {
        newest = parseCanary(message) ?? newest;
        if (newest && newest.epoch !== epoch) return queue.fail(new Error('its log was made anew'));
        if (newest) onCanary(newest);
      } else {
        queue.add(message, subject, value.byteLength + head.length);
      }
      if (pending > 0 || !newest) return;
      queue.add({ canary: newest, sequence }, undefined, markBytes);
      newest = undefined;
    };
  }

  async #copyAll(queue: LatestQueue<Arrival>, start: Start, mode: 'once' | 'on'): Promise<number> {
    const window = new Window(start.sequence);
    const lanes = new Lanes();
    const { log, from, monotonicMs, signal } = this.#options;
    let savedAtMs = monotonicMs();
    const heldUntilMs = monotonicMs() + heldForMs;
    for await (const arrival of queue) {
      this.#problem = undefined;
      if (arrival === 'end') break;
      const work =
        'canary' in arrival
          ? this.#complete(arrival, start.own, window)
          : lanes.run(keyOf(arrival.subject), () => this.#take(arrival, window));
      window.add(arrival.sequence, work, (error) => queue.fail(error));
      await window.room(atOnce);
      if (this.#held > 0 && mode === 'on' && monotonicMs() >= heldUntilMs) break;
      const dueMs = savedAtMs + (window.hasNews ? cursorEveryMs : renewEveryMs);
      if (!this.#keepsPlace || monotonicMs() < dueMs) continue;
      savedAtMs = monotonicMs();
      const sequence = window.takeDone(this.#heldFrom);
      await savePosition(log, cursorSubject(from), { ...start, sequence, anew: this.#anew });
    }
    await window.room(1);
    if (mode === 'once' && signal.aborted) throw new Error('it ended before all was here');
    return window.takeDone(Number.POSITIVE_INFINITY);
  }

  /** What waits, because its time is far ahead, is not here. */
  async #complete({ canary }: Mark, own: string, window: Window): Promise<void> {
    await window.allBefore();
    if (this.#options.log.state().epoch !== own) throw new Error('the own log may be made anew');
    if (this.#held > 0 || !this.#options.onComplete(canary) || !this.#anew) return;
    this.#anew = false;
    window.noteNews();
  }

  async #take(message: LogMessage, window: Window): Promise<void> {
    const outcome = await this.#options.copy(message).catch((cause: unknown) => {
      throw new Error(whyNotCopied(cause), { cause });
    });
    window.noteNews();
    if (outcome === 'malformed') this.#malformed++;
    if (outcome !== 'held') return;
    this.#held++;
    this.#heldFrom = Math.min(this.#heldFrom, message.sequence);
  }
}

/** Of a message for a key; in a log, all of them have a region and a letter before it. */
function keyOf(subject: string): string {
  return subject.slice(subject.indexOf('.'));
}
