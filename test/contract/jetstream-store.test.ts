import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { patientStore } from './patience.ts';
import { storeContract } from './store-contract.ts';

for (const protection of [{ secret: 'a-secret-of-the-test' }, { tls: true }]) {
  const [kind] = Object.keys(protection);
  storeContract(`jetstream, three voters and two leaves, by ${kind}`, {
    skip: natsServerMissing(),
    async open() {
      const cluster = await NatsCluster.start({
        regions: ['us-east-1', 'eu-west-1', 'ap-southeast-1'],
        leaves: ['us-east-1', 'eu-west-1'],
        ...protection,
      });
      const open = (region: string) => openStore(cluster.storeOptions(region));
      const [near, far] = [open('us-east-1'), open('eu-west-1')];
      const close = async () => {
        await Promise.all([near.close(), far.close()]);
        await cluster.close();
      };
      try {
        await eventually(
          'the store',
          () => near.status().reachable && far.status().reachable,
          60_000,
        );
        // Servers that have just started make their first stream as fast as the machine lets them.
        for (const store of [near, far]) {
          await eventually('a first write', () => isWritten(store), 60_000);
        }
      } catch (error) {
        await close();
        throw error;
      }
      return { near: patientStore(near), far: patientStore(far), close };
    },
  });
}

function isWritten(store: Store): Promise<boolean> {
  return store
    .bucket('ready')
    .put('a', new Uint8Array(1))
    .then(
      () => true,
      () => false,
    );
}
