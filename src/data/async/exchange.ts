import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import type { Copier } from './copier.ts';
import { FormerRegions } from './former-regions.ts';
import { cursorSubject, type Start } from './position.ts';
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
 *   ap   its log is followed from the start: it may have been made anew, and lack what ap wrote
 *   eu   its log is followed ──▶ what ap wrote is copied from there, until ap is heard again,
 *                                and where its log is followed from the start, all is here
 *
 * Everyone has it from everyone, so whatever one of them has comes to all, and to ap itself, whose
 * own log is new to it. Nobody waits for what another one has from others, so any number of logs may
 * be made anew at once.
 */
export class Exchange {
  readonly ended: Promise<void>;
  readonly #options: ExchangeOptions;
  readonly #beganAtMs: number;
  readonly #signs = new Map<string, Sign>();
  /** The life of each log that is followed from the start, until what others have of it is here. */
  readonly #anew = new Map<string, string>();
  /** By `#nameOf`. */
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
   * Whether all is here that nothing else waits for, and a canary of that region speaks of: what
   * its log has of those that hold the bucket no more, and what others have of what it wrote
   * itself, when its log may have been made anew.
   */
  hasAllBeside(region: string): boolean {
    if (this.#anew.has(region)) return false;
    if (!this.#former.isToldBy(region, this.#signs.get(region)?.epoch)) return false;
    return [...this.#former.names].every((of) => this.#hasAll(of, region));
  }

  /** A region's log is followed from there. */
  begins(region: string, { epoch, anew }: Start): void {
    if (anew) this.#anew.set(region, epoch);
    else this.#anew.delete(region);
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
    const { others, region } = this.#options;
    for (const of of this.#anew.keys()) {
      const isHere = others.every((from) => from === of || this.#hasAll(of, from));
      if (isHere && this.#hasAll(region, of)) this.#anew.delete(of);
    }
    const lost = others.filter((name) => this.#isLost(name) || this.#anew.has(name));
    const near = this.#near();
    const pairs = [...this.#former.names, ...lost].flatMap((of) =>
      near.filter((from) => from !== of).map((from) => ({ of, from })),
    );
    // Of the own log, which may have been made anew, that one may get what it wrote from others yet.
    for (const from of near) if (this.#anew.has(from)) pairs.push({ of: region, from });
    const wanted = new Map(pairs.map((pair) => [this.#nameOf(pair.of, pair.from), pair]));
    for (const [name, one] of this.#copying) {
      if (wanted.has(name)) continue;
      this.#copying.delete(name);
      await one.close();
    }
    for (const [name, { of, from }] of wanted) {
      if (!this.#copying.has(name)) this.#copying.set(name, this.#copy(of, from));
    }
  }

  #hasAll(of: string, from: string): boolean {
    return this.#copying.get(this.#nameOf(of, from))?.hasAll === true;
  }

  /** Another one for each life of a log: who began before it did may not have met all of the last. */
  #nameOf(of: string, from: string): string {
    return `${cursorSubject(of, from)} ${this.#anew.get(of) ?? ''}`;
  }

  /** Whose canaries come: of a log that is followed from the start, after all that it has. */
  #near(): readonly string[] {
    const { others } = this.#options;
    return others.filter((name) => this.#signs.get(name)?.epoch && !this.#isLost(name));
  }

  #isLost(name: string): boolean {
    const { monotonicMs } = this.#options;
    return monotonicMs() - (this.#signs.get(name)?.atMs ?? this.#beganAtMs) >= lostAfterMs;
  }

  #copy(of: string, from: string): SecondHand {
    const { bucket, log, copier, events, monotonicMs } = this.#options;
    events.info('copying what others have of a region', { bucket, of, from });
    const epoch = () => this.#signs.get(from)?.epoch;
    return new SecondHand({ log, of, from, copier, epoch, monotonicMs });
  }
}
