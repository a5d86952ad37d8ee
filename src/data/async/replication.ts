import type { Clock } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { Log } from '../../observability/log.ts';
import { isStoreError } from '../../store/errors.ts';
import { sleep } from '../../store/jetstream/sleep.ts';
import type { RegionalLog } from '../../store/regional-log.ts';
import {
  type Canary,
  canaryEveryMs,
  canarySubject,
  canaryValue,
  type Echo,
  parseCanary,
} from './canary.ts';
import type { Copier } from './copier.ts';
import { Duty } from './duty.ts';
import { keyPattern, keyState, parseEntry } from './entries.ts';
import { Follower } from './follower.ts';
import { Lag } from './lag.ts';
import type { Losers } from './losers.ts';

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

/** What runs while the node is on duty. */
interface Shift {
  readonly ending: AbortController;
  readonly followers: readonly Follower[];
  readonly lags: ReadonlyMap<string, Lag>;
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
  #shift: Shift | undefined;
  /** By the canary of another node of the region. */
  #told:
    | { readonly sequence: number; readonly lagMs: Canary['lagMs']; readonly atMs: number }
    | undefined;
  #problem: string | undefined;

  constructor(options: ReplicationOptions) {
    this.#options = options;
    this.#duty = new Duty(options.node);
    this.#ended = this.#run();
  }

  get problem(): string | undefined {
    const followers = this.#shift?.followers ?? [];
    return this.#problem ?? followers.find(({ problem }) => problem !== undefined)?.problem;
  }

  /** By region; those are missing of which it is not known. */
  lagMs(): ReadonlyMap<string, number> {
    const nowMs = this.#options.clock.monotonicMs();
    const shift = this.#shift;
    if (shift) return known(shift.lags, (lag) => lag.lagMs(nowMs));
    if (!this.#told) return new Map();
    const sinceMs = Math.max(0, nowMs - this.#told.atMs - 1.5 * canaryEveryMs);
    return known(this.#told.lagMs, (lagMs) => Math.round(lagMs + sinceMs));
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
    const last = await log.last(canarySubject(region));
    const canary = last && parseCanary(last);
    const nowMs = clock.monotonicMs();
    if (canary && last.sequence !== this.#told?.sequence) {
      // The first one may be of long ago: what it tells is known to be so when it has a successor.
      const lagMs = this.#told ? canary.lagMs : new Map<string, number>();
      this.#told = { sequence: last.sequence, lagMs, atMs: nowMs };
    }
    const seen = canary && { sequence: last.sequence, node: canary.node };
    if (this.#duty.observe(seen, nowMs)) {
      await this.#sing((canary?.number ?? 0) + 1, last?.sequence ?? 0);
    }
    if (this.#duty.onDuty) this.#shift ??= this.#startShift();
    else await this.#endShift();
  }

  async #sing(number: number, sequence: number): Promise<void> {
    const { log, region, node, clock } = this.#options;
    const { epoch } = log.state();
    if (epoch === undefined) return;
    const nowMs = clock.monotonicMs();
    const lags = this.#shift?.lags ?? new Map<string, Lag>();
    const echoes = known(lags, (lag): Echo | undefined => lag.echo(nowMs));
    const lagMs = known(lags, (lag) => lag.lagMs(nowMs));
    const value = canaryValue({ number, node, epoch, echoes, lagMs });
    const subject = canarySubject(region);
    try {
      await log.append({
        subject,
        head: 'canary',
        value,
        expected: { pattern: subject, sequence },
      });
      for (const lag of lags.values()) lag.sent(number, nowMs);
      this.#duty.written(true);
    } catch (error) {
      if (!isStoreError(error, 'revision_mismatch')) throw error;
      this.#duty.written(false);
    }
  }

  #startShift(): Shift {
    const { bucket, log, others, region, clock, copier, events } = this.#options;
    events.info('on duty for a bucket', { bucket, region });
    const ending = new AbortController();
    const lags = new Map(others.map((other) => [other, new Lag()]));
    const followers = others.map((from) => {
      const onCanary = (canary: Canary) =>
        lags.get(from)?.arrived(canary, region, clock.monotonicMs());
      return new Follower({
        log,
        from,
        signal: ending.signal,
        monotonicMs: () => clock.monotonicMs(),
        copy: (message) => copier.copy(message),
        onCanary,
      });
    });
    return { ending, followers, lags, swept: this.#sweep(ending.signal) };
  }

  async #endShift(): Promise<void> {
    const shift = this.#shift;
    if (!shift) return;
    this.#shift = undefined;
    shift.ending.abort();
    await Promise.all([shift.swept, ...shift.followers.map(({ ended }) => ended)]);
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
    const { writes } = keyState(await log.lastOfEach(keyPattern(key)));
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

function known<T, U>(
  items: ReadonlyMap<string, T>,
  of: (item: T) => U | undefined,
): Map<string, U> {
  const found = new Map<string, U>();
  for (const [name, item] of items) {
    const value = of(item);
    if (value !== undefined) found.set(name, value);
  }
  return found;
}
