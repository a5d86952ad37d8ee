import { messageOf } from '../../base/errors.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import { LatestQueue } from '../../store/latest-queue.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import { type Canary, canarySubject, isCount, parseCanary, parseObject } from './canary.ts';
import type { Copied } from './copier.ts';

const retryMs = { first: 250, most: 1_000 } as const;
const peekLimitMs = 3_000;
const atOnce = 32;
const roomBytes = 8 * 1024 * 1024;
const cursorEveryMs = 1_000;
/** How long what is from the future waits before it is looked at again. */
const heldForMs = 60_000;

export interface FollowerOptions {
  readonly log: RegionalLog;
  /** The region that is followed. */
  readonly from: string;
  readonly signal: AbortSignal;
  monotonicMs(): number;
  copy(message: LogMessage): Promise<Copied>;
  /** All that the region wrote before is here. */
  onCanary(canary: Canary): void;
}

interface Position {
  readonly epoch: string;
  readonly sequence: number;
}

/**
 * Follows another region's log and has its entries copied, in order, several at once:
 *
 *   read its canary: epoch ─▶ as the cursor's ──────── from there ─▶ follow what it writes
 *         ▲                └▶ another, or no cursor ─▶ all that it has ─▶ │
 *         └── cut off, a gap, made anew, own log refuses: 250 ms to 1 s ──┘
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
  #malformed = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.ended = this.#run();
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

  async #run(): Promise<void> {
    const { signal } = this.#options;
    let waitMs: number = retryMs.first;
    while (!signal.aborted) {
      try {
        await this.#follow();
        waitMs = retryMs.first;
      } catch (error) {
        this.#problem = messageOf(error);
        waitMs = Math.min(waitMs * 2, retryMs.most);
      }
      await sleep(waitMs, signal);
    }
  }

  async #follow(): Promise<void> {
    const { log, from } = this.#options;
    const epoch = await this.#peek();
    const cursor = parseCursor(await log.last(`${from}.cursor`));
    this.#held = 0;
    this.#heldFrom = Number.POSITIVE_INFINITY;
    let sequence = cursor?.epoch === epoch ? cursor.sequence : 0;
    if (sequence === 0) sequence = await this.#pass('*.k.>', { epoch, sequence }, 'once');
    await this.#pass(`${from}.>`, { epoch, sequence }, 'on');
  }

  /** @returns how far it came. */
  async #pass(pattern: string, start: Position, mode: 'once' | 'on'): Promise<number> {
    const { log, from } = this.#options;
    const again = new AbortController();
    const queue = new LatestQueue<LogMessage | 'end'>(() => again.abort(), roomBytes);
    const copying = this.#copyAll(queue, start, mode);
    const following = log.follow({
      region: from,
      pattern,
      after: start.sequence,
      signal: AbortSignal.any([this.#options.signal, again.signal]),
      room: () => queue.room(),
      onMessage: (message) =>
        queue.add(message, message.subject, message.value.byteLength + message.head.length),
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

  /** The epoch of the other log, as its newest canary tells. */
  async #peek(): Promise<string> {
    const { log, from, signal } = this.#options;
    const done = new AbortController();
    let epoch: string | undefined;
    await log.follow({
      region: from,
      pattern: canarySubject(from),
      after: 0,
      signal: AbortSignal.any([signal, done.signal, AbortSignal.timeout(peekLimitMs)]),
      onMessage: (message) => {
        epoch ??= parseCanary(message)?.epoch;
        if (epoch !== undefined) done.abort();
      },
    });
    if (epoch === undefined) throw new Error('no node there has told of its log');
    return epoch;
  }

  async #copyAll(
    queue: LatestQueue<LogMessage | 'end'>,
    start: Position,
    mode: 'once' | 'on',
  ): Promise<number> {
    const window = new Window(start.sequence);
    const { monotonicMs, signal } = this.#options;
    let savedAtMs = monotonicMs();
    const heldUntilMs = monotonicMs() + heldForMs;
    for await (const message of queue) {
      this.#problem = undefined;
      if (message === 'end') break;
      const work = this.#take(message, start.epoch, window);
      window.add(message.sequence, work, (error) => queue.fail(error));
      await window.room(atOnce);
      if (this.#held > 0 && mode === 'on' && monotonicMs() >= heldUntilMs) break;
      if (monotonicMs() - savedAtMs < cursorEveryMs || !window.hasCopied || mode === 'once')
        continue;
      savedAtMs = monotonicMs();
      await this.#save({ epoch: start.epoch, sequence: window.takeDone(this.#heldFrom) });
    }
    await window.room(1);
    if (mode === 'once' && signal.aborted) throw new Error('it ended before all was here');
    return window.takeDone(Number.POSITIVE_INFINITY);
  }

  async #take(message: LogMessage, epoch: string, window: Window): Promise<void> {
    const { from, copy, onCanary } = this.#options;
    if (message.subject === canarySubject(from)) {
      const canary = parseCanary(message);
      if (canary && canary.epoch !== epoch) throw new Error('its log was made anew');
      await window.before(message.sequence);
      if (canary) onCanary(canary);
      return;
    }
    const outcome = await copy(message);
    window.noteCopied();
    if (outcome === 'malformed') this.#malformed++;
    if (outcome !== 'held') return;
    this.#held++;
    this.#heldFrom = Math.min(this.#heldFrom, message.sequence);
  }

  async #save(position: Position): Promise<void> {
    const { log, from } = this.#options;
    const value = Buffer.from(JSON.stringify(position));
    await log.append({ subject: `${from}.cursor`, head: 'cursor', value });
  }
}

/** What is under way, in order of sequence, and how far all is done. */
class Window {
  readonly #underWay = new Map<number, Promise<void>>();
  #newest: number;
  #copied = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(start: number) {
    this.#newest = start;
  }

  add(sequence: number, work: Promise<void>, onFailed: (error: unknown) => void): void {
    this.#newest = sequence;
    const ended = work.then(
      () => void this.#underWay.delete(sequence),
      (error) => {
        this.#failure ??= { error };
        onFailed(error);
      },
    );
    this.#underWay.set(sequence, ended);
  }

  /** Resolves when fewer than that are under way. @throws what one of them failed with. */
  async room(most: number): Promise<void> {
    while (this.#underWay.size >= most) {
      this.#check();
      await Promise.race(this.#underWay.values());
    }
    this.#check();
  }

  /** Resolves when all that came before is done. */
  async before(sequence: number): Promise<void> {
    const earlier = [...this.#underWay].filter(([other]) => other < sequence);
    await Promise.all(earlier.map(([, ended]) => ended));
    this.#check();
  }

  noteCopied(): void {
    this.#copied = true;
  }

  /** Whether there is more to save than that canaries came. */
  get hasCopied(): boolean {
    return this.#copied;
  }

  /** Up to where all is copied, or superseded by what follows; at most before what is held. */
  takeDone(heldFrom: number): number {
    this.#copied = false;
    const [oldest] = this.#underWay.keys();
    return Math.min(oldest === undefined ? this.#newest : oldest - 1, heldFrom - 1);
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function parseCursor(message: LogMessage | undefined): Position | undefined {
  const { epoch, sequence } = (message && parseObject(message.value)) ?? {};
  return typeof epoch === 'string' && isCount(sequence) ? { epoch, sequence } : undefined;
}
