import assert from 'node:assert/strict';
import { after, afterEach, before, describe } from 'node:test';
import { Elections } from '../../src/store/elections/elections.ts';
import { isStoreError, storeErrorIsRetryable } from '../../src/store/errors.ts';
import { identityName, systemOperator } from '../../src/store/nats-server/identities.ts';
import { openStore } from '../../src/store/open.ts';
import { type Store, type Watch, writeLimitMs } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { fairTimer } from '../support/fair-time.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { bytes, show } from './contract-values.ts';

/** Elections of nats-server take up to about 10 s where nobody calls them. */
export const recoveryMs = 20_000;
/** A new hub elects a leader for every stream, and a mirror that asked too early asks again after 30 s. */
const formedMs = 60_000;

/** How servers and clients know each other. */
export type Protection = 'secret' | 'tls';

/** A deployment of three regions with two stores in it, for tests to break. */
export class Faults {
  cluster!: NatsCluster;
  near!: Store;
  far!: Store;
  /** What a watch of `near` has told. */
  watched: string[] = [];
  #attendant: Elections | undefined;
  readonly #opened: Store[] = [];
  readonly bothReachable = () => this.near.status().reachable && this.far.status().reachable;

  async start(protection: Protection = 'secret'): Promise<void> {
    this.cluster = await NatsCluster.start({
      regions: ['a', 'b', 'c'],
      leaves: ['a', 'b'],
      ...(protection === 'tls' ? { tls: true } : { secret: 'a-secret-of-the-test' }),
    });
    if (protection === 'tls') await this.#attend();
    this.near = this.open('a');
    this.far = this.open('b');
    this.watched = collect(this.near.bucket('log').watch());
    await eventually('the store', this.bothReachable, formedMs);
    await persistently(() => this.far.bucket('log').put('start', bytes('1')));
    await eventually('the watch', () => this.watched.includes('start=1'), formedMs);
  }

  open(region: string, secret = this.cluster.secret): Store {
    const store = openStore({ ...this.cluster.storeOptions(region), secret });
    this.#opened.push(store);
    return store;
  }

  /** The region whose voter leads a bucket, once all of its copies are there. */
  leaderOf(bucket: string): Promise<string> {
    return eventually(
      'a leader and all copies',
      () => {
        const found = this.near.status().buckets.find(({ name }) => name === bucket);
        return found?.current === 3 && found.leader?.slice('hub-'.length);
      },
      formedMs,
    );
  }

  /** A test that failed midway must not take the next ones with it. */
  async repair(): Promise<void> {
    for (const { region } of this.cluster.sites) this.cluster.thaw('hub', region);
    this.cluster.startAll();
    await eventually('the store', this.bothReachable, recoveryMs);
  }

  /** As `meridian store attend` does: nodes with certificates do not call elections themselves. */
  async #attend(): Promise<void> {
    const { sites, voterUrls } = this.cluster;
    const voters = voterUrls.map((url, i) => ({ url, serverName: identityName(sites[i]!.region) }));
    const tls = await this.cluster.issue('attendant', [systemOperator]);
    this.#attendant = new Elections({ voters, name: 'attendant', tls });
  }

  async close(): Promise<void> {
    await Promise.all(this.#opened.map((store) => store.close()));
    await this.#attendant?.close();
    await this.cluster?.close();
  }
}

/** Tests in a deployment of their own, one after the other. */
export function underFaults(
  what: string,
  tests: (faults: Faults) => void,
  protection: Protection = 'secret',
): void {
  describe(what, { concurrency: 1 }, () => {
    const faults = new Faults();
    before(() => faults.start(protection));
    afterEach(() => faults.repair());
    after(() => faults.close());
    tests(faults);
  });
}

/** A typed error, within the limit that every write has. */
export async function failsInTime(promise: Promise<unknown>, outcome?: string): Promise<void> {
  const tookMs = fairTimer();
  const error = await promise.then(
    () => assert.fail('expected a failure'),
    (reason: unknown) => reason,
  );
  assert.ok(
    isStoreError(error, 'no_quorum') || isStoreError(error, 'store_unreachable'),
    String(error),
  );
  if (outcome !== undefined) assert.equal(error.details.outcome, outcome, error.message);
  const failedMs = tookMs();
  assert.ok(failedMs < writeLimitMs, `failed after ${failedMs} ms`);
}

/**
 * Again while the store is out of reach: `status` speaks of the heartbeat's stream, and the
 * streams of other buckets may elect their leaders a little later.
 */
export async function persistently<T>(operation: () => Promise<T>): Promise<T> {
  const { value } = await eventually(
    'an operation to succeed',
    async () => {
      try {
        return { value: await operation() };
      } catch (error) {
        const again = isStoreError(error) && storeErrorIsRetryable[error.code];
        if (!again) throw error;
        return undefined;
      }
    },
    recoveryMs,
  );
  return value;
}

export async function closesInTime(store: Store): Promise<void> {
  const tookMs = fairTimer();
  await Promise.all([store.close(), store.close()]);
  const closedMs = tookMs();
  assert.ok(closedMs < 1_000, `closed after ${closedMs} ms`);
}

/** The events of a watch so far, growing in the background. */
export function collect(watch: Watch): string[] {
  const events: string[] = [];
  const read = async () => {
    for await (const event of watch) events.push(show(event));
  };
  void read();
  return events;
}
