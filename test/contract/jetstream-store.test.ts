import { openStore } from '../../src/store/open.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
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
          20_000,
        );
      } catch (error) {
        await close();
        throw error;
      }
      return { near, far, close };
    },
  });
}
