import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { AsyncBucket } from '../../src/data/async/async-bucket.ts';
import { bytes, text } from '../contract/contract-values.ts';
import { AsyncRegions, level } from '../support/async-regions.ts';
import { eventually } from '../support/eventually.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { patiently } from '../support/patiently.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;
const [us, eu, ap] = regions;
type Region = (typeof regions)[number];
const skip = natsServerMissing();
const limitMs = 120_000;

let world: AsyncRegions;
let nodes: Record<Region, AsyncBucket>;
let ages: Ages;

before(async () => {
  if (skip) return;
  world = await AsyncRegions.start(regions, { tls: true, delayMs: 40 });
  nodes = {
    [us]: world.open('history', us),
    [eu]: world.open('history', eu),
    [ap]: world.open('history', ap),
  };
  await level(Object.values(nodes), 2);
  ages = new Ages(nodes);
});
after(async () => {
  await ages?.close();
  await world?.close();
});

it('one region is cut off while all write: healed, all come to the same, each reports what it lost, and no read is older than it says', {
  skip,
}, async () => {
  const kept = new Map<string, string>();
  for (const key of ['taken', 'gone']) kept.set(key, await put(us, key));
  for (const [key, version] of kept) await agree([us, eu, ap], key, version);
  cut(true);
  const told = await eventually('the age to grow', () => ageIn(ap) > 4_000 && ageIn(ap), limitMs);
  assert.ok(told > 4_000);

  /** By key: what the two that see each other came to, and what the third one has. */
  const both = new Map<string, string>();
  const alone = new Map<string, string>();
  // Each region a key of its own: nothing is lost.
  for (const region of regions) kept.set(`of.${region}`, await put(region, `of.${region}`));
  // All three one key: the one that was cut off writes first, or last, and more than once.
  for (const [key, when] of [
    ['first', 'before'],
    ['last', 'after'],
    ['both', 'around'],
  ] as const) {
    if (when !== 'after') alone.set(key, await put(ap, key));
    await agree([eu], key, await put(us, key));
    both.set(key, await put(eu, key));
    await agree([us], key, both.get(key));
    if (when !== 'before') alone.set(key, await put(ap, key));
  }
  // A deletion against a write, either way.
  await remove(ap, 'taken');
  both.set('taken', await put(eu, 'taken'));
  await remove(eu, 'gone');
  alone.set('gone', await put(ap, 'gone'));
  await agree([us], 'taken', both.get('taken'));
  await agree([us], 'gone', undefined);
  cut(false);

  for (const key of ['first', 'last', 'both', 'taken', 'gone']) {
    const versions = [both.get(key), alone.get(key)].filter((one) => one !== undefined);
    await agree(regions, key, versions.sort().at(-1));
  }
  for (const region of regions) await agree(regions, `of.${region}`, kept.get(`of.${region}`));
  await reports(us, []);
  await reports(eu, ['both', 'gone deleted', 'last']);
  await reports(ap, ['first', 'taken deleted']);
  for (const [key, region, version] of [
    ['first', ap, alone.get('first')],
    ['last', eu, both.get('last')],
    ['both', eu, both.get('both')],
  ] as const) {
    const writes = await lostIn(region);
    assert.equal(writes.find((one) => one.key === key)?.version, version);
  }
  await eventually('what is read to be young again', () => ageIn(ap) < 4_000, limitMs);
  const { reads, wrong } = await ages.close();
  assert.deepEqual(wrong, []);
  assert.ok(reads > 50, `${reads} reads whose age was known`);
});

function cut(isCut: boolean): void {
  for (const other of [us, eu]) {
    world.cluster.cut(ap, other, isCut);
    world.cluster.cut(other, ap, isCut);
  }
}

async function put(region: Region, key: string): Promise<string> {
  await delay(5); // so that times are in the order of writes
  return await patiently(() => nodes[region].put(key, bytes(region)));
}

function remove(region: Region, key: string): Promise<void> {
  return patiently(() => nodes[region].delete(key));
}

async function lostIn(region: Region) {
  return (await patiently(() => nodes[region].lostWrites({ limit: 100 }))).writes;
}

function ageIn(region: Region): number {
  const lags = nodes[region].status().lagMs;
  return lags.size === 2 ? Math.max(...lags.values()) : 0;
}

async function agree(where: readonly Region[], key: string, version: string | undefined) {
  await eventually(
    `${where} to have ${key} at ${version}`,
    async () => {
      const read = (region: Region) => patiently(() => nodes[region].get(key));
      const reads = await Promise.all(where.map(read));
      return reads.every(({ entry }) => entry?.version === version);
    },
    limitMs,
  );
}

async function reports(region: Region, expected: readonly string[]): Promise<void> {
  const reported = async () => {
    const writes = await lostIn(region);
    return writes.map(({ key, deleted }) => (deleted ? `${key} deleted` : key)).sort();
  };
  await eventually(
    `${region} to report`,
    async () => (await reported()).length >= expected.length,
    limitMs,
  );
  assert.deepEqual(await reported(), expected, region);
  await eventually('the count', () => nodes[region].status().lost === expected.length, limitMs);
}

/** Every region counts in a key of its own; all read what the others counted, and how old it is said to be. */
class Ages {
  readonly #nodes: Record<Region, AsyncBucket>;
  /** When each count was acknowledged, by the one clock of this process. */
  readonly #ackedAtMs = new Map<Region, number[]>(regions.map((region) => [region, []]));
  readonly #ending = new AbortController();
  readonly #ended: Promise<unknown>;
  readonly #wrong: string[] = [];
  #reads = 0;

  constructor(of: Record<Region, AsyncBucket>) {
    this.#nodes = of;
    this.#ended = Promise.all(
      regions.flatMap((region) => [this.#write(region), this.#read(region)]),
    );
  }

  async close() {
    this.#ending.abort();
    await this.#ended;
    return { reads: this.#reads, wrong: this.#wrong };
  }

  async #write(region: Region): Promise<void> {
    const ackedAtMs = this.#ackedAtMs.get(region)!;
    for (let count = 0; !this.#ending.signal.aborted; count++) {
      // Once more it is the same count: who reads either has what was acknowledged.
      const put = () => this.#nodes[region].put(`count.${region}`, bytes(String(count)));
      await patiently(put);
      ackedAtMs[count] = performance.now();
      await delay(40);
    }
  }

  async #read(region: Region): Promise<void> {
    while (!this.#ending.signal.aborted) {
      for (const other of regions) {
        let startedAtMs = 0;
        const { entry, staleForMs } = await patiently(() => {
          startedAtMs = performance.now();
          return this.#nodes[region].get(`count.${other}`);
        });
        const count = entry ? Number(text(entry.value)) : -1;
        const nextAtMs = this.#ackedAtMs.get(other)![count + 1] ?? Number.POSITIVE_INFINITY;
        if (other !== region && Number.isFinite(staleForMs)) this.#reads++;
        const lacksMs = startedAtMs - nextAtMs;
        if (lacksMs <= staleForMs) continue;
        const said = `${region} read ${count} of ${other}, ${staleForMs} ms old at most`;
        this.#wrong.push(`${said}, ${lacksMs} ms after the next was acknowledged`);
      }
      await delay(20);
    }
  }
}
