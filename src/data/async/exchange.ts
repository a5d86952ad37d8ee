import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import type { Copier } from './copier.ts';
import { FormerRegions } from './former-regions.ts';
import { cursorSubject } from './position.ts';
import { SecondHand } from './second-hand.ts';

const lookEveryMs = 1_000;
/** A server that is started again comes back sooner. */
const lostAfterMs = 30_000;

export interface ExchangeOptions {
  readonly bucket: string;
  readonly log: RegionalLog;
  readonly copier: Copier;
  readonly region: string;
  /** The other regions that hold the bucket. */
  readonly others: readonly string[];
  readonly signal: AbortSignal;
  readonly events: Log;
  monotonicMs(): number;
}

interface Sign {
  readonly atMs: number;
  readonly epoch: string | undefined;
}

/**
 * What a region wrote before it was lost may have come to some of the others only. So each of
 * these copies it from all that it reaches:
 *
 *   ap   nothing of its log for 30 s, or a cursor of it and no more in the bucket: lost
 *   eu   its log is followed ──▶ what ap wrote is copied from there, until ap is heard again
 *
 * Everyone has it from everyone, so whatever one of them has comes to all.
 */
export class Exchange {
  readonly ended: Promise<void>;
  readonly #options: ExchangeOptions;
  readonly #beganAtMs: number;
  readonly #signs = new Map<string, Sign>();
  /** By cursor. */
  readonly #copying = new Map<string, SecondHand>();
  readonly #former: FormerRegions;
  #problem: string | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#beganAtMs = options.monotonicMs();
    this.#former = new FormerRegions(options);
    this.ended = this.#run();
  }

  /** Why what a lost region wrote does not come, in a sentence. */
  get problem(): string | undefined {
    const problems = [...this.#copying.values()].map(({ problem }) => problem);
    return this.#problem ?? problems.find((problem) => problem !== undefined);
  }

  /**
   * Whether all is here that a region's log has of those that hold the bucket no more: what they
   * acknowledged is waited for by nothing else.
   */
  hasFormerOf(from: string): boolean {
    if (!this.#former.isToldBy(from, this.#signs.get(from)?.epoch)) return false;
    return [...this.#former.names].every(
      (of) => this.#copying.get(cursorSubject(of, from))?.hasAll === true,
    );
  }

  /** Something of a region's log came. */
  reached(region: string): void {
    const { monotonicMs } = this.#options;
    this.#signs.set(region, { atMs: monotonicMs(), epoch: this.#signs.get(region)?.epoch });
  }

  /** Of a canary that came. */
  epochIs(region: string, epoch: string): void {
    this.#signs.set(region, { atMs: this.#options.monotonicMs(), epoch });
  }

  async #run(): Promise<void> {
    const { signal } = this.#options;
    while (!signal.aborted) {
      try {
        await this.#look();
        this.#problem = undefined;
      } catch (error) {
        this.#problem = `lost regions are not known: ${messageOf(error)}`;
      }
      await sleep(lookEveryMs, signal);
    }
    await Promise.all([...this.#copying.values()].map((one) => one.close()));
  }

  /** Who does not say which ones it knew holds up nobody else. */
  async #look(): Promise<void> {
    const near = this.#near();
    for (const name of this.#options.others) if (!near.includes(name)) this.#former.forget(name);
    const asked = near.map(async (name) => {
      const epoch = this.#signs.get(name)?.epoch;
      if (epoch !== undefined) await this.#former.ask(name, epoch);
    });
    const answers = await Promise.allSettled(asked);
    answers.push(...(await Promise.allSettled([this.#former.note()])));
    await this.#choose();
    for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
  }

  async #choose(): Promise<void> {
    const { others } = this.#options;
    const lost = [...this.#former.names, ...others.filter((name) => this.#isLost(name))];
    const near = this.#near();
    const wanted = new Map(
      lost.flatMap((of) => near.map((from) => [cursorSubject(of, from), { of, from }] as const)),
    );
    for (const [cursor, one] of this.#copying) {
      if (wanted.has(cursor)) continue;
      this.#copying.delete(cursor);
      await one.close();
    }
    for (const [cursor, { of, from }] of wanted) {
      if (!this.#copying.has(cursor)) this.#copying.set(cursor, this.#copy(of, from));
    }
  }

  #near(): readonly string[] {
    return this.#options.others.filter((name) => this.#signs.has(name) && !this.#isLost(name));
  }

  #isLost(name: string): boolean {
    const { monotonicMs } = this.#options;
    return monotonicMs() - (this.#signs.get(name)?.atMs ?? this.#beganAtMs) >= lostAfterMs;
  }

  #copy(of: string, from: string): SecondHand {
    const { bucket, log, copier, events, monotonicMs } = this.#options;
    events.info('copying what a lost region wrote', { bucket, of, from });
    const epoch = () => this.#signs.get(from)?.epoch;
    return new SecondHand({ log, of, from, copier, epoch, monotonicMs });
  }
}
