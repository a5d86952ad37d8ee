// A node's store and data API with clients on it, as a process of its own that can be frozen and
// killed: started by `processes.ts`.
import { systemClock } from '../../src/base/clock.ts';
import { createDataClient } from '../../src/data/client/client.ts';
import { createDataServer } from '../../src/data/server/server.ts';
import { openSyncBucket } from '../../src/data/sync/sync-bucket.ts';
import type { StoreOptions } from '../../src/store/open.ts';
import { openStore } from '../../src/store/open.ts';
import { seededRandom } from '../simulation/seeded-random.ts';
import { eventually } from '../support/eventually.ts';
import { type Breakage, broken } from './broken-bucket.ts';
import { Client, found, nowMs, type UsedBucket } from './client.ts';
import { Journal } from './journal.ts';

export interface ClientProcessOptions {
  /** No other process has it, in the same region neither. */
  readonly name: string;
  readonly region: string;
  readonly regions: readonly string[];
  readonly store: StoreOptions;
  readonly clients: number;
  readonly keys: readonly string[];
  readonly prefix: string;
  readonly seed: number;
  readonly breakage: Breakage | undefined;
  /** Where its journal is to be. */
  readonly journal: string;
}

export type ToProcess =
  | { readonly type: 'start' | 'stop' }
  /** Its wall clock is off by so much. */
  | { readonly type: 'clock'; readonly offsetMs: number }
  /** All that was written is to be read once more, and to have been told by the watch. */
  | { readonly type: 'finish'; readonly keys: readonly string[] };

export type FromProcess =
  | { readonly type: 'ready' | 'stopped' }
  | { readonly type: 'finished'; readonly untold: readonly string[] };

const options = JSON.parse(process.argv[2]!) as ClientProcessOptions;
const { name, region, regions, keys, prefix } = options;
const bucketName = 'history';
const token = 'a-token-of-the-histories';
/** How soon a watch tells is not promised; a mirror that lost its origin may need two minutes. */
const toldWithinMs = 150_000;
const keysAtOnce = 32;

const journal = new Journal(options.journal);
const silent = () => {};
const store = openStore(options.store);
const maximumValue = 1_024;
const opened = openSyncBucket(
  bucketName,
  { consistency: 'sync', maximumValue, maximumSize: 1024 ** 3, conflicts: 60_000 },
  {
    store,
    region,
    regions,
    node: region,
    clock: systemClock,
    log: { debug: silent, info: silent, warn: silent, error: silent },
  },
);
const bucket = broken(opened, options.breakage, options.store);
const server = await createDataServer({
  host: '127.0.0.1',
  port: 0,
  region,
  settings: {
    networks: ['127.0.0.0/8'],
    grants: { clients: { token, rights: { [bucketName]: 'write' } } },
    buckets: new Map([
      [bucketName, { consistency: 'sync', maximumValueBytes: maximumValue, regions, bucket }],
    ]),
  },
  clock: systemClock,
  limits: {},
  onFailure: (error) => {
    throw error;
  },
});
const url = `http://127.0.0.1:${server.port}`;
const served = createDataClient({ url, token }).bucket(bucketName);
/** Over HTTP; lists are the bucket's own, for the age that the client does not tell. */
const api: UsedBucket = {
  get: (key, how) => served.get(key, how),
  getAll: (some, how) => served.getAll(some, how),
  put: (key, value, condition) => served.put(key, value, condition),
  delete: (key, condition) => served.delete(key, condition),
  list: (what) => bucket.list(what),
};
const clients = Array.from({ length: options.clients }, (_, i) => {
  const random = seededRandom(options.seed * 31 + i);
  const through = i % 2 === 0 ? bucket : api;
  const writes = i === 0 || i < options.clients - 1;
  return new Client({
    name: `${name}${i}`,
    bucket: through,
    keys,
    prefix,
    journal,
    writes,
    random,
  });
});

/** Last told, by key. */
const told = new Map<string, string>();

async function follow(): Promise<void> {
  for await (const event of opened.watch({})) {
    if (event.type === 'caughtUp') continue;
    const { key, version } = event.type === 'put' ? event.entry : event;
    const value = event.type === 'put' ? Buffer.from(event.entry.value).toString() : undefined;
    journal.told({ key, value, version });
    told.set(key, version);
  }
}

/** What cannot be read is left out. */
async function readAll(
  all: readonly string[],
  action: 'strong' | 'local',
): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (let at = 0; at < all.length; at += keysAtOnce) {
    const some = all.slice(at, at + keysAtOnce);
    const calledAtMs = nowMs();
    const reads = await bucket.getAll(some, { consistency: action }).catch(() => []);
    const times = { calledAtMs, answeredAtMs: nowMs() };
    for (const [i, { entry, staleForMs }] of reads.entries()) {
      const key = some[i]!;
      if (entry) versions.set(key, entry.version);
      const { answer } = found(entry, staleForMs);
      const read = { key, client: name, value: undefined, expected: undefined };
      journal.observed({ ...read, action, by: 'batch', ...times, answer });
    }
  }
  return versions;
}

/** Keys whose last version the watch does not tell of. */
async function untoldOf(versions: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const untold = () =>
    [...versions].filter(([key, version]) => !(revisionOf(told.get(key)) >= revisionOf(version)));
  await eventually('the watch to tell', () => untold().length === 0, toldWithinMs).catch(silent);
  return untold().map(([key, version]) => `${key} of version ${version}`);
}

/** `17-deleted`: of a deletion. */
function revisionOf(version: string | undefined): number {
  return Number.parseInt(version ?? '', 10);
}

const now = Date.now.bind(Date);
let running: Promise<unknown> | undefined;
process.on('message', async (message: ToProcess) => {
  // Each of two who killed it tells it to.
  if (message.type === 'start') running ??= Promise.all(clients.map((client) => client.run()));
  if (message.type === 'clock') Date.now = () => now() + message.offsetMs;
  if (message.type === 'stop') {
    for (const client of clients) client.stop();
    await running;
    tell({ type: 'stopped' });
  }
  if (message.type === 'finish') {
    const untold = await untoldOf(await readAll(message.keys, 'strong'));
    // What the region's copy lacks for good, no other read may have come upon.
    await readAll(message.keys, 'local');
    tell({ type: 'finished', untold });
  }
});
process.on('disconnect', () => process.exit());

function tell(message: FromProcess): void {
  process.send!(message);
}

follow().catch((error: Error) => journal.watchEnded(error.message));
const looking = setInterval(() => {
  if (!bucket.status().writable) return;
  clearInterval(looking);
  tell({ type: 'ready' });
}, 50);
