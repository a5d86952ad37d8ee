import { randomUUID } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { isStoreError } from '../../store/errors.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import { canaryEveryMs, canarySubject, canaryValue, parseCanary } from './canary.ts';
import type { Copier } from './copier.ts';
import { Duty } from './duty.ts';
import { keyPattern, keyState, parseEntry } from './entries.ts';
import { Exchange } from './exchange.ts';
import { Follower } from './follower.ts';
import type { Losers } from './losers.ts';
import { Proofs } from './proofs.ts';

const sweepLimitMs = 60_000;

export interface ReplicationOptions {
  readonly bucket: string;
  readonly log: RegionalLog;
  readonly copier: Copier;
  readonly losers: Losers;
  readonly conflictsMs: number;
  readonly region: string;
  /** The other regions that hold the bucket. */
  readonly others: readonly string[];
  readonly node: string;
  readonly clock: Clock;
  readonly events: Log;
}

/** Of the own log, and the moment until which it has all that any region acknowledged. */
export interface Extent {
  readonly epoch: string | undefined;
  /** `-Infinity`: not known. */
  readonly throughMs: number;
}

/** What runs while the node is on duty. */
interface Shift {
  readonly ending: AbortController;
  readonly followers: readonly Follower[];
  readonly exchange: Exchange;
  readonly swept: Promise<void>;
}

/**
 * The background of a bucket in a region: canaries by the node on duty, which follows the
 * other regions, and what all nodes know of the lag by them.
 */
export class Replication {
  readonly #options: ReplicationOptions;
  readonly #closing = new AbortController();
  readonly #duty: Duty;
  readonly #ended: Promise<void>;
  readonly #proofs: Proofs;
  #shift: Shift | undefined;
  #problem: string | undefined;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#duty = new Duty(options.node);
    this.#proofs = new Proofs(options);
    this.#ended = this.#run();
  }

  get problem(): string | undefined {
    const { followers = [], exchange } = this.#shift ?? {};
    const failed = followers.find(({ problem }) => problem !== undefined);
    return this.#problem ?? failed?.problem ?? exchange?.problem;
  }

  /** By region, at most; those are missing of which it is not known. */
  lagMs(): ReadonlyMap<string, number> {
    if (this.#checkEpoch() === undefined) return new Map();
    return this.#proofs.agesMs(this.#options.clock.monotonicMs());
  }

  /** What a read that begins now finds. */
  extent(): Extent {
    const { others, clock } = this.#options;
    const epoch = this.#checkEpoch();
    const through = others.map(
      (other) => this.#proofs.throughMs(other) ?? Number.NEGATIVE_INFINITY,
    );
    return { epoch, throughMs: Math.min(clock.monotonicMs(), ...through) };
  }

  /** How old at most what such a read found is by now; `Infinity`: not known. */
  ageMs({ epoch, throughMs }: Extent): number {
    if (epoch === undefined || epoch !== this.#checkEpoch()) return Number.POSITIVE_INFINITY;
    return this.#options.clock.monotonicMs() - throughMs;
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#beat();
        this.#problem = undefined;
      } catch (error) {
        if (!signal.aborted) this.#problem = `no canary can be written: ${messageOf(error)}`;
      }
      await sleep(canaryEveryMs, signal);
    }
    await this.#endShift();
  }

  async #beat(): Promise<void> {
    const { log, region, clock } = this.#options;
    const startedAtMs = clock.monotonicMs();
    const epoch = this.#checkEpoch();
    const last = await log.last(canarySubject(region));
    const canary = last && parseCanary(last);
    const nowMs = clock.monotonicMs();
    if (epoch !== undefined && epoch === this.#checkEpoch()) {
      this.#proofs.read(last?.sequence ?? 0, canary, startedAtMs, nowMs);
    }
    const seen = canary && { sequence: last.sequence, node: canary.node };
    if (this.#duty.observe(seen, nowMs)) {
      await this.#sing((canary?.number ?? 0) + 1, last?.sequence ?? 0);
    }
    if (this.#duty.onDuty) this.#shift ??= this.#startShift();
    else await this.#endShift();
  }

  async #sing(number: number, sequence: number): Promise<void> {
    const { log, region, clock } = this.#options;
    const epoch = this.#checkEpoch();
    if (epoch === undefined) return;
    const place = { number, epoch };
    const made = this.#proofs.make(place, sequence, randomUUID(), clock.monotonicMs());
    const value = canaryValue(made.canary);
    const subject = canarySubject(region);
    const expected = { pattern: subject, sequence };
    try {
      const stored = await log.append({ subject, head: 'canary', value, expected });
      this.#proofs.stored(made, stored, clock.monotonicMs());
      this.#duty.written(true);
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
      this.#duty.written(false);
    }
  }

  /** The epoch of the own log; before anything is asked of the proofs, which are of one log. */
  #checkEpoch(): string | undefined {
    const { epoch } = this.#options.log.state();
    if (epoch !== undefined) this.#proofs.epochIs(epoch);
    return epoch;
  }

  #startShift(): Shift {
    const { bucket, log, others, region, clock, copier, events } = this.#options;
    events.info('on duty for a bucket', { bucket, region });
    const ending = new AbortController();
    const { signal } = ending;
    const monotonicMs = () => clock.monotonicMs();
    this.#proofs.startDuty();
    const exchange = new Exchange({
      ...{ bucket, log, copier, region, others, signal, events, monotonicMs },
    });
    const followers = others.map((from) => {
      return new Follower({
        log,
        from,
        signal,
        monotonicMs,
        copy: (message) => copier.copy(message),
        onReached: () => exchange.reached(from),
        onStart: (start) => exchange.begins(from, start),
        onCanary: (canary) => {
          exchange.epochIs(from, canary.epoch);
          this.#proofs.heard(from, canary, clock.monotonicMs());
        },
        onComplete: (canary) => {
          if (this.#checkEpoch() === undefined || !exchange.hasAllBeside(from)) return false;
          this.#proofs.complete(from, canary, clock.monotonicMs());
          return true;
        },
      });
    });
    return { ending, followers, exchange, swept: this.#sweep(ending.signal) };
  }

  async #endShift(): Promise<void> {
    const shift = this.#shift;
    if (!shift) return;
    this.#shift = undefined;
    this.#proofs.endDuty();
    shift.ending.abort();
    await Promise.all([
      shift.swept,
      shift.exchange.ended,
      ...shift.followers.map(({ ended }) => ended),
    ]);
  }

  /** Records what lost before a crash kept its node from recording it. */
  async #sweep(ending: AbortSignal): Promise<void> {
    while (!ending.aborted) {
      try {
        for (const key of await this.#keysWithLosers(ending)) await this.#recordLosersOf(key);
        return;
      } catch (error) {
        const { bucket, events } = this.#options;
        if (!ending.aborted) events.warn('lost writes were not looked for', { bucket, error });
        await sleep(canaryEveryMs, ending);
      }
    }
  }

  async #recordLosersOf(key: string): Promise<void> {
    const { log, losers, region } = this.#options;
    const { writes } = keyState(await log.lastOfEach(keyPattern(key)), true);
    await losers.record(writes, region);
  }

  async #keysWithLosers(ending: AbortSignal): Promise<ReadonlySet<string>> {
    const { log, conflictsMs, clock } = this.#options;
    const keys = new Set<string>();
    const done = new AbortController();
    await log.follow({
      pattern: '*.k.>',
      after: 0,
      headsOnly: true,
      signal: AbortSignal.any([ending, done.signal, AbortSignal.timeout(sweepLimitMs)]),
      onMessage: (message) => {
        const entry = parseEntry(message);
        if (entry?.displaced === undefined) return;
        if (clock.wallMs() - entry.storedAtMs < conflictsMs) keys.add(entry.key);
      },
      onCaughtUp: () => done.abort(),
    });
    if (!done.signal.aborted && !ending.aborted) throw new Error('it took too long');
    return keys;
  }
}
