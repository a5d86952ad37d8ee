import { once } from 'node:events';
import { type Clock, systemClock } from '../../src/base/clock.ts';
import { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import { parseCanary } from '../../src/data/async/canary.ts';
import type { Start } from '../../src/data/async/position.ts';
import { MemoryLog } from '../../src/store/memory/memory-log.ts';
import type { LogFollow, RegionalLog } from '../../src/store/regional-log.ts';
import type { Store } from '../../src/store/store.ts';

const silent = () => {};
const events = { debug: silent, info: silent, warn: silent, error: silent };

/** Half a minute of silence takes a second. */
const clock: Clock = {
  wallMs: () => systemClock.wallMs(),
  monotonicMs: () => systemClock.monotonicMs() * 30,
  after: (delayMs, run) => systemClock.after(delayMs, run),
};

/** What a region follows of another's log, for as long as it does. */
interface Following extends LogFollow {
  readonly by: string;
  over: boolean;
}

/** What a cursor in a log says; `undefined`: there is none. */
export async function cursorIn(log: MemoryLog, subject: string) {
  const message = await log.last(subject);
  if (!message) return undefined;
  const text = Buffer.from(message.value).toString() || '{}';
  return JSON.parse(text) as Partial<Start>;
}

/** Of that region's newest canary, as the newest one of another says. */
export async function echoOf(
  region: string,
  by: string,
  world: ExchangeWorld,
): Promise<string | undefined> {
  const canary = await world.log(by).last(`${by}.canary`);
  return canary && parseCanary(canary)?.echoes.get(region)?.id;
}

/** Regions with a node each, whose nodes and logs come and go, in memory. */
export class ExchangeWorld {
  readonly followed: Following[] = [];
  /** By region: of a log that is told to be another one. */
  readonly epochs = new Map<string, string>();
  /** What of us is asked of others waits for this. */
  secondHandMay: Promise<void> = Promise.resolve();
  readonly #logs = new Map<string, MemoryLog>();
  readonly #lost = new Set<string>();
  #cut: readonly string[] = [];
  readonly #open = new Map<string, AsyncBucket>();

  /** A node of the region, in the place of the one before. */
  async open(region: string, regions: readonly string[]): Promise<AsyncBucket> {
    await this.#open.get(region)?.close();
    const regionalLog: Store['regionalLog'] = (name, settings) => {
      const log = this.log(region, name);
      log.settings = settings;
      return this.#watched(region, log);
    };
    const settings = {
      consistency: 'async' as const,
      maximumValue: 1024,
      maximumSize: 1024 * 1024,
      conflicts: 3_600_000,
      residency: [...regions],
      ttl: undefined,
    };
    const store = { regionalLog } as Store;
    const context = { store, region, regions, node: region, clock, log: events };
    const bucket = new AsyncBucket('b', settings, context);
    this.#open.set(region, bucket);
    return bucket;
  }

  log(region: string, name = 'b'): MemoryLog {
    const id = `${region}/${name}`;
    const peer = (other: string) => {
      const isCut = this.#cut.includes(region) && this.#cut.includes(other);
      return isCut || this.#lost.has(other) ? undefined : this.log(other, name);
    };
    const log = this.#logs.get(id) ?? new MemoryLog(name, systemClock, peer);
    this.#logs.set(id, log);
    return log;
  }

  /** Its nodes are gone, and nobody reaches its log. */
  async lose(region: string): Promise<void> {
    await this.stop(region);
    this.#lost.add(region);
    this.log(region).interrupt();
  }

  find(region: string): void {
    this.#lost.delete(region);
  }

  /** With an empty disk. */
  findAnew(region: string): void {
    for (const name of ['b', 'b_lost']) this.#logs.delete(`${region}/${name}`);
    this.find(region);
  }

  /** Neither hears the other, when one of them begins to. */
  cut(...regions: string[]): void {
    this.#cut = regions;
  }

  async stop(region: string): Promise<void> {
    await this.#open.get(region)?.close();
    this.#open.delete(region);
  }

  secondHand(by: string): Following[] {
    return this.followed.filter((one) => one.by === by && one.pattern === 'us.k.>');
  }

  async close(): Promise<void> {
    for (const region of [...this.#open.keys()]) await this.stop(region);
  }

  #watched(by: string, log: MemoryLog): RegionalLog {
    const follow = async (options: LogFollow) => {
      const following = { ...options, by, over: false };
      if (options.region !== undefined && options.region !== 'us') this.followed.push(following);
      const ended = once(options.signal, 'abort');
      if (options.pattern === 'us.k.>' && !options.signal.aborted) {
        await Promise.race([this.secondHandMay, ended]);
      }
      await log.follow(options).finally(() => {
        following.over = true;
      });
    };
    return {
      name: log.name,
      last: (pattern) => log.last(pattern),
      lastOfEach: (pattern) => log.lastOfEach(pattern),
      append: (message) => log.append(message),
      follow,
      look: () => log.look(),
      state: () => ({ ...log.state(), epoch: this.epochs.get(by) ?? log.state().epoch }),
      close: () => log.close(),
    };
  }
}
