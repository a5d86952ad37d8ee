import { systemClock } from '../../src/base/clock.ts';
import { openSyncBucket } from '../../src/data/sync/sync-bucket.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { type DataContractSubject, dataBucketContract } from './data-bucket-contract.ts';
import { patient } from './patience.ts';
import { syncContract } from './sync-contract.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'];
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

for (const protection of [{ secret: 'a-secret-of-the-test' }, { tls: true }]) {
  const [kind] = Object.keys(protection);
  const options = {
    skip: natsServerMissing(),
    async start() {
      const cluster = await NatsCluster.start({
        regions,
        leaves: regions.slice(0, 2),
        ...protection,
      });
      const [near, far] = ['us-east-1', 'eu-west-1'].map((region) =>
        openStore(cluster.storeOptions(region)),
      ) as [Store, Store];
      const reachable = () => near.status().reachable && far.status().reachable;
      const subject = subjectOf(near, far, async () => {
        await Promise.all([near.close(), far.close()]);
        await cluster.close();
      });
      try {
        await eventually('the store', reachable, 60_000);
      } catch (error) {
        await subject.close();
        throw error;
      }
      return subject;
    },
  };
  dataBucketContract(`sync, three voters and two leaves, by ${kind}`, options);
  if (kind === 'secret') syncContract('three voters and two leaves', options);
}

const memory = {
  skip: false as const,
  async start() {
    const store = openStore({ engine: 'memory' });
    return subjectOf(store, store, () => store.close());
  },
};
dataBucketContract('sync, in memory', memory);
syncContract('in memory', memory);

function subjectOf(near: Store, far: Store, close: () => Promise<void>): DataContractSubject {
  const context = (store: Store, region: string) => ({
    store,
    region,
    regions,
    node: region,
    clock: systemClock,
    log,
  });
  return {
    open(name, settings) {
      const sync = { consistency: 'sync', ...settings } as const;
      return {
        near: patient(openSyncBucket(name, sync, context(near, 'us-east-1'))),
        far: patient(openSyncBucket(name, sync, context(far, 'eu-west-1'))),
      };
    },
    close,
  };
}
