import { systemClock } from '../../src/base/clock.ts';
import { dataSchema } from '../../src/config/schema/data.ts';
import { openDataBucket } from '../../src/data/open-bucket.ts';
import { createDataServer } from '../../src/data/server/server.ts';
import { openStore, type StoreOptions } from '../../src/store/open.ts';

export interface NodeOrder {
  readonly region: string;
  readonly regions: readonly string[];
  readonly token: string;
  readonly store: StoreOptions;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A process that serves the data API of a region, as a node does in a thread of its own. */
async function serve({ region, regions, token, store: options }: NodeOrder): Promise<void> {
  const { buckets } = dataSchema.parse({
    buckets: { sync: { consistency: 'sync' }, async: { consistency: 'async' } },
  });
  const store = openStore(options, systemClock);
  const context = { store, region, regions, node: region, clock: systemClock, log: silent };
  const served = Object.entries(buckets).map(([name, settings]) => {
    const bucket = openDataBucket(name, settings, context);
    const { consistency, maximumValue: maximumValueBytes } = settings;
    return [name, { consistency, maximumValueBytes, regions, bucket }] as const;
  });
  const rights = { sync: 'write', async: 'write' } as const;
  const server = await createDataServer({
    ...{ host: '127.0.0.1', port: 0, region, clock: systemClock },
    settings: {
      networks: ['127.0.0.0/8'],
      buckets: new Map(served),
      grants: { bench: { token, rights } },
    },
    onFailure: (error) => console.error(error),
  });
  process.send?.(server.port);
}

process.once('message', (order) => void serve(order as NodeOrder));
process.once('disconnect', () => process.exit());
