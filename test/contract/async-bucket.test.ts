import { systemClock } from '../../src/base/clock.ts';
import { openAsyncBucket } from '../../src/data/async/async-bucket.ts';
import { MemoryLog } from '../../src/store/memory/memory-log.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { type DataContractSubject, dataBucketContract } from './data-bucket-contract.ts';
import { patient } from './patience.ts';

const regions = ['us-east-1', 'eu-west-1'];
const silent = () => {};
const log = { debug: silent, info: silent, warn: silent, error: silent };

// By certificates, where rights are narrowest; those that go with the secret, the log's test tries.
dataBucketContract('async, two leaves', {
  skip: natsServerMissing(),
  async start() {
    const cluster = await NatsCluster.start({ regions, leaves: regions, tls: true });
    const [near, far] = regions.map((region) => openStore(cluster.storeOptions(region)));
    return subjectOf(near!, far!, async () => {
      await Promise.all([near!.close(), far!.close()]);
      await cluster.close();
    });
  },
});

dataBucketContract('async, in memory', {
  skip: false,
  async start() {
    const logs = new Map<string, MemoryLog>();
    const find = (region: string, name: string): MemoryLog => {
      const id = `${region}/${name}`;
      const found = logs.get(id) ?? new MemoryLog(name, systemClock, (other) => find(other, name));
      logs.set(id, found);
      return found;
    };
    const store = (region: string): Store => ({
      ...openStore({ engine: 'memory' }),
      regionalLog(name, settings) {
        const found = find(region, name);
        found.settings = settings;
        return found;
      },
    });
    return subjectOf(store('us-east-1'), store('eu-west-1'), async () => {});
  },
});

function subjectOf(near: Store, far: Store, close: () => Promise<void>): DataContractSubject {
  const opened: { close(): Promise<void> }[] = [];
  return {
    open(name, settings) {
      const [first, second] = [near, far].map((store, i) => {
        const region = regions[i]!;
        const context = { store, region, regions, node: region, clock: systemClock, log };
        const bucket = openAsyncBucket(name, { consistency: 'async', ...settings }, context);
        opened.push(bucket);
        return bucket;
      });
      return { near: patient(first!), far: patient(second!) };
    },
    async close() {
      await Promise.all(opened.map((bucket) => bucket.close()));
      await close();
    },
  };
}
