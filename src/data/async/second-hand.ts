import { sleep } from '../../store/jetstream/sleep.ts';
import { LatestQueue } from '../../store/latest-queue.ts';
import type { LogMessage, RegionalLog } from '../../store/regional-log.ts';
import type { Copier } from './copier.ts';
import { whyNotCopied } from './errors.ts';
import { keepOn } from './keep-on.ts';
import { cursorSubject, type Start, savePosition, startIn } from './position.ts';
import { Lanes, Window } from './window.ts';

/** Each is compared, as fast as the node can: whoever reads there meanwhile waits for no more. */
const atOnce = 8;
const roomBytes = 8 * 1024 * 1024;
const lookEveryMs = 1_000;
/** As long as the follower of a region lets it wait. */
const heldForMs = 60_000;

export interface SecondHandOptions {
  readonly log: RegionalLog;
  /** The region whose entries are wanted: its own log is out of reach. */
  readonly of: string;
  /** In whose log copies of them are. */
  readonly from: string;
  readonly copier: Pick<Copier, 'lacks' | 'copy'>;
  /** The epoch of that log, as its last canary said; `undefined`: none has come. */
  epoch(): string | undefined;
  monotonicMs(): number;
}

/** After all that was there when a pass began. */
const allCame = 'all came';

type Arrival = LogMessage | typeof allCame;

/** One way through the other log, and where it was stopped. */
interface Pass {
  readonly start: Start;
  /** What was last heard of the epoch there before the start was looked for. */
  readonly heard: string | undefined;
  readonly headsOnly: boolean;
  readonly queue: LatestQueue<Arrival>;
  readonly window: Window;
  readonly ending: AbortSignal;
  /** The first that is not in the own log, and was met. */
  stoppedAt: number;
}

/**
 * Copies what one region wrote from the log of another one, which had copied it:
 *
 *   from the cursor: heads ─▶ the first that is lacking ─▶ from there with values, and on
 *         ▲                └▶ none: heads, and on
 *         └── cut off, a gap, made anew, own log refuses: 250 ms to 1 s
 *
 * Most of what the other has is here too; what is not was copied there last, mostly. It proves
 * nothing of how old the own log is: nobody knows what else the region wrote.
 */
export class SecondHand {
  readonly #options: SecondHandOptions;
  readonly #ending = new AbortController();
  readonly #cursor: string;
  readonly #ended: Promise<void>;
  /** Where the pass began that has been through all that was there, and met nothing since. */
  #throughFrom: Start | undefined;
  #problem: string | undefined;

  constructor(options: SecondHandOptions) {
    this.#options = options;
    this.#cursor = cursorSubject(options.of, options.from);
    this.#ended = keepOn(
      () => this.#follow(),
      this.#ending.signal,
      (problem) => {
        this.#problem = problem;
      },
    );
  }

  /** Why it does not come, in a sentence. */
  get problem(): string | undefined {
    const { of, from } = this.#options;
    if (this.#problem === undefined) return undefined;
    return `what region ${of} wrote cannot be had from region ${from}: ${this.#problem}`;
  }

  /** Whether all that was there is here: compared or copied. Not while something of it waits. */
  get hasAll(): boolean {
    const { log, epoch } = this.#options;
    const { own, epoch: there } = this.#throughFrom ?? {};
    return own !== undefined && own === log.state().epoch && there === epoch();
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#ended;
  }

  async #follow(): Promise<void> {
    const { log, from, epoch } = this.#options;
    const { signal } = this.#ending;
    const heard = epoch();
    const start = await startIn(log, from, this.#cursor, signal);
    try {
      const sequence = await this.#pass(start, heard, true);
      if (!signal.aborted) await this.#pass({ ...start, sequence }, heard, false);
    } finally {
      this.#throughFrom = undefined;
    }
  }

  /** @returns how far all is here. */
  async #pass(start: Start, heard: string | undefined, headsOnly: boolean): Promise<number> {
    const { log, of, from } = this.#options;
    const again = new AbortController();
    const queue = new LatestQueue<Arrival>(() => again.abort(), roomBytes);
    const window = new Window(start.sequence);
    const ending = AbortSignal.any([this.#ending.signal, again.signal]);
    const stoppedAt = Number.POSITIVE_INFINITY;
    const pass: Pass = { start, heard, headsOnly, queue, window, ending, stoppedAt };
    const taking = this.#takeAll(pass);
    const work = [
      taking,
      this.#keepPlace(pass),
      log.follow({
        region: from,
        pattern: `${of}.k.>`,
        after: start.sequence,
        headsOnly,
        signal: ending,
        room: () => queue.room(),
        onMessage(message) {
          queue.add(message, message.subject, message.value.byteLength + message.head.length);
        },
        onCaughtUp: () => {
          this.#problem = undefined;
          queue.add(allCame, undefined);
        },
      }),
    ];
    try {
      await Promise.race(work);
    } finally {
      again.abort();
      queue.close();
      await Promise.allSettled(work);
    }
    await taking;
    return window.takeDone(pass.stoppedAt);
  }

  async #takeAll(pass: Pass): Promise<void> {
    const { queue, window } = pass;
    const lanes = new Lanes();
    for await (const message of queue) {
      if (message === allCame) {
        await window.room(1);
        if (!Number.isFinite(pass.stoppedAt)) this.#throughFrom = pass.start;
        continue;
      }
      const work = lanes.run(message.subject, () => this.#take(message, pass));
      window.add(message.sequence, work, (error) => queue.fail(error));
      await window.room(atOnce);
    }
    await window.room(1);
  }

  async #take(message: LogMessage, pass: Pass): Promise<void> {
    const { copier } = this.#options;
    const isHere = async () => {
      if (!(await copier.lacks(message))) return true;
      return !pass.headsOnly && (await copier.copy(message)) !== 'held';
    };
    const here = await isHere().catch((cause: unknown) => {
      throw new Error(whyNotCopied(cause), { cause });
    });
    if (here) return;
    this.#throughFrom = undefined;
    pass.stoppedAt = Math.min(pass.stoppedAt, message.sequence);
    if (pass.headsOnly) pass.queue.close();
  }

  /** Stores how far all is here, once a second and in the end, while both logs are the same. */
  async #keepPlace(pass: Pass): Promise<void> {
    const { log, epoch, monotonicMs } = this.#options;
    const { start, heard, queue, window, ending } = pass;
    const endsAtMs = monotonicMs() + heldForMs;
    for (let saved = start.sequence; !ending.aborted; ) {
      await sleep(lookEveryMs, ending);
      if (log.state().epoch !== start.own) throw new Error('the own log may be made anew');
      if (![heard, start.epoch].includes(epoch())) throw new Error('its log was made anew');
      const sequence = window.takeDone(pass.stoppedAt);
      const place = { ...start, sequence, anew: false };
      if (sequence > saved) await savePosition(log, this.#cursor, place);
      saved = sequence;
      if (Number.isFinite(pass.stoppedAt) && monotonicMs() >= endsAtMs) queue.close();
    }
  }
}
