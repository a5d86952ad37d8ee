import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { RawClient } from '../support/raw-client.ts';
import { type RunningNode, startNode } from '../support/running-node.ts';
import { until } from '../support/stack.ts';
import { SteadyClient } from '../support/steady-client.ts';

/** `SOAK_MINUTES=60 npm run test:long -- test/long/soak` is the long form: 1,000 reloads, then an hour. */
const minutes = Number(process.env.SOAK_MINUTES ?? 0.1);
const isLong = minutes >= 10;
const reloads = isLong ? 1_000 : 120;
/** Until pools, code caches and heaps have the size at which they stay. */
const settlingReloads = isLong ? 300 : 40;
/** A busy machine gets fewer, but for those that it settles with. */
const reloadingMs = isLong ? Number.POSITIVE_INFINITY : 20_000;
const settlingMs = isLong ? 30_000 : 2_000;
const sampledMs = isLong ? 30_000 : 2_000;
const largestGrowth = 0.1;
/** A heap may take a step at which it then stays; what leaks grows in each round. */
const rounds = isLong ? 1 : 3;
/**
 * V8 lets its heaps grow for hundreds of reloads before it looks what of them is needed (with
 * four threads by 250 MiB). In small ones it has to look all the time, and what grows is kept.
 */
const smallHeaps = { NODE_OPTIONS: '--max-semi-space-size=2 --max-old-space-size=120' };

/** Each revision has other routes than the one before, so that nothing of it can be shared. */
function configuration(number: number, originPort: number) {
  const routes = Array.from({ length: 1_000 }, (_, at) => ({
    name: `r${number % 7}-${at}`,
    hosts: [`h${(number + at) % 1_100}.test`],
    prefix: `/p${at}`,
    service: `s${at % 10}`,
  }));
  const mark = { type: 'headers', response: { set: { 'X-Revision': String(number) } } };
  const service = (weight: number) => ({
    endpoints: { here: [{ address: `127.0.0.1:${originPort}`, weight }] },
    timeouts: { connect: '10s' },
    check: { type: 'tcp', interval: '20s', connectTimeout: '10s', timeout: '10s' },
  });
  const services = Array.from({ length: 10 }, (_, at) => [
    `s${at}`,
    service(1 + ((number + at) % 9)),
  ]);
  return {
    regions: { here: { address: '{address}', location: { latitude: 0, longitude: 0 } } },
    threads: { gateway: 2 },
    accessLog: { sample: 0.01 },
    // Neither a busy machine nor who closes an idle connection first is looked at here.
    shedding: 'off',
    limits: { idleTimeout: '1h' },
    services: Object.fromEntries(services),
    routes: [...routes, { name: 'all', service: 's0', policies: [mark] }],
  };
}

/** A node under the hands of an operator who never rests. */
class Soaked {
  readonly #node: RunningNode;
  readonly #originPort: number;
  #revision = 0;

  constructor(node: RunningNode, originPort: number) {
    this.#node = node;
    this.#originPort = originPort;
  }

  /** Returns how often it did. */
  async reload(times: number, limitMs = Number.POSITIVE_INFINITY): Promise<number> {
    const endMs = performance.now() + limitMs;
    let done = 0;
    for (; done < times && performance.now() < endMs; done++) await this.#reload();
    return done;
  }

  /** Replaces the file, and waits until it is what serves. */
  async #reload(): Promise<void> {
    const { state, address } = this.#node;
    const path = join(state, 'meridian.json');
    const text = JSON.stringify(configuration(++this.#revision, this.#originPort));
    await writeFile(`${path}.new`, text.replaceAll('{address}', address));
    await rename(`${path}.new`, path);
    this.#node.process.kill('SIGHUP');
    await until(`revision ${this.#revision}`, async () => {
      using client = await RawClient.connect(8080, address);
      const { head } = await client.request('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      return Number(/^x-revision: (\d+)/im.exec(head)?.[1]) === this.#revision;
    });
  }

  /** The median of its resident memory, in bytes: collections come and go. */
  async medianBytes(): Promise<number> {
    const samples: number[] = [];
    const endMs = performance.now() + sampledMs;
    while (performance.now() < endMs) {
      const status = readFileSync(`/proc/${this.#node.process.pid}/status`, 'latin1');
      samples.push(Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) * 1_024);
      await delay(50);
    }
    return samples.sort((a, b) => a - b)[samples.length >> 1]!;
  }
}

const form = isLong ? `1,000 reloads and ${minutes} min of load` : 'reloads and load';

test(`${form} leave memory within 10 %, and no request fails`, async (context) => {
  await using stack = new AsyncDisposableStack();
  const origin = new Worker(new URL('./hostile/origin.ts', import.meta.url));
  stack.defer(async () => void (await origin.terminate()));
  const [originPort] = (await once(origin, 'message')) as [number];
  const node = await startNode(configuration(0, originPort), '', smallHeaps);
  stack.defer(() => node.stop());
  const load = new SteadyClient({ host: node.address, port: 8080, path: '/', perSecond: 300 });
  stack.defer(() => load.stop());
  const soaked = new Soaked(node, originPort);
  const measure = async (when: string) => {
    const bytes = await soaked.medianBytes();
    context.diagnostic(`${when}: ${(bytes / 2 ** 20).toFixed(1)} MiB, ${load.answered} requests`);
    return bytes;
  };

  const before = await soaked.reload(settlingReloads);
  await delay(settlingMs);
  const settled = await measure(`settled after ${before} reloads`);
  const grown: number[] = [];
  let last = settled;
  while (grown.length < rounds && (grown.at(-1) ?? 1) > largestGrowth) {
    const done = await soaked.reload(reloads, reloadingMs);
    await delay(settlingMs / 2);
    const reloaded = await measure(`after ${done} more`);
    await delay(minutes * 60_000);
    const loaded = await measure(`after ${minutes} min of load`);
    grown.push((Math.max(reloaded, loaded) - last) / settled);
    last = loaded;
  }

  assert.deepEqual([...new Set(load.failures)], [], `${load.failures.length} of ${load.answered}`);
  const percents = grown.map((share) => `${(share * 100).toFixed(1)} %`);
  assert.ok(grown.at(-1)! <= largestGrowth, `memory grew by ${percents}`);
});
