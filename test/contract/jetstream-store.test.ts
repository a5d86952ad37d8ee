import { openStore } from '../../src/store/open.ts';
import { eventually } from '../support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../support/nats-cluster.ts';
import { storeContract } from './store-contract.ts';

storeContract('jetstream, three voters and two leaves', {
  skip: natsServerMissing(),
  async open() {
    const cluster = await NatsCluster.start({
      regions: ['us-east-1', 'eu-west-1', 'ap-southeast-1'],
      leaves: ['us-east-1', 'eu-west-1'],
      secret: 'a-secret-of-the-test',
    });
    const [near, far] = ['us-east-1', 'eu-west-1'].map((region) =>
      openStore({
        engine: 'jetstream',
        servers: [cluster.leafUrl(region)],
        name: region,
        replicas: 3,
        secret: cluster.secret,
      }),
    ) as [ReturnType<typeof openStore>, ReturnType<typeof openStore>];
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
