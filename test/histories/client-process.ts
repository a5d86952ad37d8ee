// A node's store with clients on it, as a process of its own that can be frozen: started by `run.ts`.
import { systemClock } from '../../src/base/clock.ts';
import { openSyncBucket } from '../../src/data/sync/sync-bucket.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { seededRandom } from '../simulation/seeded-random.ts';
import { type Breakage, broken } from './broken-bucket.ts';
import { Client } from './client.ts';
import type { Told } from './observation.ts';

export interface ClientProcessOptions {
  readonly region: string;
  readonly regions: readonly string[];
  readonly store: StoreOptions;
  readonly clients: number;
  readonly keys: readonly string[];
  readonly seed: number;
  readonly breakage: Breakage | undefined;
}

const options = JSON.parse(process.argv[2]!) as ClientProcessOptions;
const silent = () => {};
const store = openStore(options.store);
const opened = openSyncBucket(
  'history',
  { consistency: 'sync', maximumValue: 1_024, maximumSize: 1024 ** 3, conflicts: 60_000 },
  {
    store,
    region: options.region,
    regions: options.regions,
    node: options.region,
    clock: systemClock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  },
);
const bucket = broken(opened, options.breakage, options.store);
const told: Told[] = [];
const clients = Array.from({ length: options.clients }, (_, i) => {
  const random = seededRandom(options.seed * 31 + i);
  return new Client(`${options.region}${i}`, bucket, options.keys, random);
});

async function follow(): Promise<void> {
  for await (const event of opened.watch({})) {
    if (event.type !== 'put') continue;
    const { key, value, version } = event.entry;
    told.push({ key, value: Buffer.from(value).toString(), version });
  }
}

let running: Promise<unknown> = Promise.resolve();
process.on('message', async (message: string) => {
  if (message === 'start') running = Promise.all(clients.map((client) => client.run()));
  if (message === 'stop') {
    for (const client of clients) client.stop();
    await running;
    process.send!('stopped');
  }
  if (message === 'finish') {
    await clients[0]!.readAll();
    const observations = clients.flatMap((client) => client.observations);
    process.send!({ observations, told }, () => void store.close().then(() => process.exit()));
  }
});
process.on('disconnect', () => process.exit());
void follow();
const looking = setInterval(() => {
  if (!bucket.status().writable) return;
  clearInterval(looking);
  process.send!('ready');
}, 50);
