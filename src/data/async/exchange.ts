import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { isStoreError } from '../../store/errors.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import type { Copier } from './copier.ts';
import { cursorPattern, cursorSubject, noEpoch, regionOfCursor, savePosition } from './position.ts';
import { SecondHand } from './second-hand.ts';

const lookEveryMs = 1_000;
/** A server that is started again comes back sooner. */
const lostAfterMs = 30_000;
/** With `ttl`, cursors end too. */
const noteEveryMs = 600_000;

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
  /** Regions that held the bucket once. */
  readonly #gone = new Set<string>();
  #noted: { readonly epoch: string; readonly atMs: number } | undefined;
  #problem: string | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#beganAtMs = options.monotonicMs();
    this.ended = this.#run();
  }

  /** Why what a lost region wrote does not come, in a sentence. */
  get problem(): string | undefined {
    const problems = [...this.#copying.values()].map(({ problem }) => problem);
    return this.#problem ?? problems.find((problem) => problem !== undefined);
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
        await this.#note();
        await this.#choose();
        this.#problem = undefined;
      } catch (error) {
        this.#problem = `lost regions are not known: ${messageOf(error)}`;
      }
      await sleep(lookEveryMs, signal);
    }
    await Promise.all([...this.#copying.values()].map((one) => one.close()));
  }

  /** Has a cursor of every region that holds the bucket, so that it is known when it is gone. */
  async #note(): Promise<void> {
    const { log, region, others, monotonicMs } = this.#options;
    const { epoch: own } = log.state();
    const atMs = monotonicMs();
    const { epoch, atMs: before } = this.#noted ?? { epoch: undefined, atMs };
    if (own === undefined || (own === epoch && atMs - before < noteEveryMs)) return;
    const cursors = await log.lastOfEach(cursorPattern);
    const known = new Set(cursors.map(({ subject }) => regionOfCursor(subject)));
    for (const name of known) {
      if (name !== undefined && name !== region && !others.includes(name)) this.#gone.add(name);
    }
    for (const name of others) {
      if (known.has(name)) continue;
      const nothing = { epoch: noEpoch, sequence: 0, own };
      await savePosition(log, cursorSubject(name), nothing, 0).catch((error: unknown) => {
        // It was copied meanwhile.
        if (!isStoreError(error, 'revision_mismatch')) throw error;
      });
    }
    this.#noted = { epoch: own, atMs };
  }

  async #choose(): Promise<void> {
    const { others } = this.#options;
    const lost = [...this.#gone, ...others.filter((name) => this.#isLost(name))];
    const near = others.filter((name) => this.#signs.has(name) && !this.#isLost(name));
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
