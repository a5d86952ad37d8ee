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
 *   read its canary: epoch ─▶ same as the cursor's? from there, else from the start ─▶ follow
 *         ▲                                                                              │
 *         └── cut off, a gap, made anew, own log refuses: again after 250 ms to 1 s ─────┘
 *
 *   [5 copied][6 copied][7 under way][8 copied][9 waiting]     the cursor is 6
 */
export class Follower {
  readonly ended: Promise<void>;
  readonly #options: FollowerOptions;
  #problem: string | undefined = 'it was not reached yet';
  #held = 0;
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
    const after = cursor?.epoch === epoch ? cursor.sequence : 0;
    this.#held = 0;
    const again = new AbortController();
    const signal = AbortSignal.any([this.#options.signal, again.signal]);
    const queue = new LatestQueue<LogMessage>(() => again.abort(), roomBytes);
    const copying = this.#copyAll(queue, { epoch, sequence: after });
    const following = log.follow({
      region: from,
      pattern: `${from}.>`,
      after,
      signal,
      room: () => queue.room(),
      onMessage: (message) =>
        queue.add(message, message.subject, message.value.byteLength + message.head.length),
    });
    try {
      await Promise.race([following, copying]);
    } finally {
      again.abort();
      queue.close();
      await Promise.allSettled([following, copying]);
    }
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

  async #copyAll(queue: LatestQueue<LogMessage>, start: Position): Promise<void> {
    const window = new Window(start.sequence);
    const { monotonicMs } = this.#options;
    let savedAtMs = monotonicMs();
    const heldUntilMs = monotonicMs() + heldForMs;
    const failed = Promise.withResolvers<never>();
    failed.promise.catch(() => undefined);
    try {
      for await (const message of queue) {
        this.#problem = undefined;
        window.add(message.sequence, this.#take(message, start.epoch, window), failed.reject);
        await Promise.race([window.room(atOnce), failed.promise]);
        if (this.#held > 0 && monotonicMs() >= heldUntilMs) return;
        if (monotonicMs() - savedAtMs < cursorEveryMs || !window.copied) continue;
        savedAtMs = monotonicMs();
        await this.#save({ epoch: start.epoch, sequence: window.saved() });
      }
    } finally {
      queue.close();
    }
    await Promise.race([window.room(1), failed.promise]);
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
    window.hold(message.sequence);
  }

  async #save(position: Position): Promise<void> {
    const { log, from } = this.#options;
    const value = Buffer.from(JSON.stringify(position));
    await log.append({ subject: `${from}.cursor`, head: 'cursor', value });
  }
}

/** What is under way, in order of sequence, and how far all is done. */
class Window {
  #heldFrom = Number.POSITIVE_INFINITY;
  #copied = false;
  readonly #underWay = new Map<number, Promise<void>>();
  #newest: number;

  constructor(start: number) {
    this.#newest = start;
  }

  /** All up to here is copied, or superseded by what follows. */
  get done(): number {
    const [oldest] = this.#underWay.keys();
    return Math.min(oldest === undefined ? this.#newest : oldest - 1, this.#heldFrom - 1);
  }

  add(sequence: number, work: Promise<void>, onFailed: (error: unknown) => void): void {
    this.#newest = sequence;
    const ended = work.then(() => void this.#underWay.delete(sequence), onFailed);
    this.#underWay.set(sequence, ended);
  }

  /** Resolves when fewer than that are under way. */
  async room(most: number): Promise<void> {
    while (this.#underWay.size >= most) await Promise.race(this.#underWay.values());
  }

  /** Resolves when all that came before is done. */
  async before(sequence: number): Promise<void> {
    const earlier = [...this.#underWay].filter(([other]) => other < sequence);
    await Promise.all(earlier.map(([, ended]) => ended));
  }

  noteCopied(): void {
    this.#copied = true;
  }

  hold(sequence: number): void {
    this.#heldFrom = Math.min(this.#heldFrom, sequence);
  }

  /** Whether there is more to save than that canaries came. */
  get copied(): boolean {
    return this.#copied;
  }

  /** @returns where to go on after a restart. */
  saved(): number {
    this.#copied = false;
    return this.done;
  }
}

function parseCursor(message: LogMessage | undefined): Position | undefined {
  const { epoch, sequence } = (message && parseObject(message.value)) ?? {};
  return typeof epoch === 'string' && isCount(sequence) ? { epoch, sequence } : undefined;
}
