import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import type { ShiftStatus } from '../../src/admin/shifts-view.ts';
import { systemClock } from '../../src/base/clock.ts';
import { createDnsClient } from '../../src/dns/client.ts';
import { createLog } from '../../src/observability/log.ts';
import { type RegionNode, startNode } from '../../src/region/node.ts';
import { takeStateDirectory } from '../../src/region/start/state-directory.ts';
import type { Shift } from '../../src/shifts/shift.ts';
import { shopRoute, toCanary } from '../../src/shifts/testdata/shop.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-ports.ts';

const address = '127.0.95.1';
const location = { latitude: 0, longitude: 0 };
/** Of a client that waits however long it takes on a busy machine. */
const timeoutMs = 15_000;

describe('shifts of traffic at a node', () => {
  let directory = '';
  let node: RegionNode;
  let ports: Record<string, number>;
  const origins: Server[] = [];
  const failing = { canary: false };

  async function origin(name: 'shop' | 'canary'): Promise<string> {
    const server = createServer((_request, response) => {
      response.statusCode = name === 'canary' && failing.canary ? 500 : 200;
      response.end(name);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    origins.push(server);
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  const endpoints: Record<string, string> = {};
  const configure = async (canaryWeight: number, kind = 'region') => {
    const latency =
      kind === 'region' ? [{ network: '20.0.0.0/8', regions: { here: '1ms', there: '9ms' } }] : [];
    const services = ['shop', 'canary'].map((name) => [
      name,
      {
        endpoints: { here: [endpoints[name]!] },
        ejection: { failures: 1_000 },
      },
    ]);
    const document = {
      regions: {
        here: { address, location },
        there: { address: '127.0.95.2', kind, location: { latitude: 50, longitude: 50 } },
      },
      ports,
      threads: { gateway: 1 },
      shedding: 'off',
      // The other region does not run: it is not to be known as lost within this test.
      health: { failures: 100 },
      latency,
      services: Object.fromEntries(services),
      routes: [shopRoute(canaryWeight)],
      zones: {
        'shift.test': {
          ttl: '0s',
          records: [
            {
              name: 'api',
              type: 'A',
              routing: 'weighted',
              answers: [
                { values: ['192.0.2.1'], weight: 100 },
                { values: ['192.0.2.2'], weight: 0 },
              ],
            },
            { name: 'near', type: 'A', routing: 'latency', evaluate: 'none' },
          ],
        },
      },
    };
    const path = join(directory, 'meridian.json');
    await writeFile(`${path}.new`, JSON.stringify(document));
    await rename(`${path}.new`, path);
  };
  const start = () => {
    const log = createLog({ region: 'here', clock: systemClock, write: () => undefined });
    const configPath = join(directory, 'meridian.json');
    const stateDirectory = join(directory, 'state');
    const options = { region: 'here', stateDirectory, adminToken: 'the-token', configPath };
    return startNode({ ...options, version: '0', log });
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'meridian-shift-'));
    await (await takeStateDirectory(join(directory, 'state'))).release();
    const [http, https, dns, link, admin] = await freePorts(5, address);
    ports = { http: http!, https: https!, dns: dns!, link: link!, admin: admin! };
    endpoints.shop = await origin('shop');
    endpoints.canary = await origin('canary');
    await configure(0);
    node = await start();
  });
  // Whatever a test leaves behind when it fails is not the next one's trouble.
  afterEach(async () => {
    failing.canary = false;
    const { shifts } = await get<{ shifts: ShiftStatus[] }>('/shifts');
    for (const { id, holds } of shifts) {
      if (holds) await post('/shifts/operate', { id, operation: 'abort' });
    }
  });
  after(async () => {
    await node?.close();
    for (const server of origins) server.close();
    await rm(directory, { recursive: true });
  });

  const get = async <T>(path: string) =>
    (await fetch(`http://${address}:${ports.admin}${path}`)).json() as Promise<T>;
  const post = async (path: string, body: object) => {
    const answer = await fetch(`http://${address}:${ports.admin}${path}`, {
      method: 'POST',
      headers: { Authorization: 'Bearer the-token', 'Content-Type': 'application/json' },
      body: JSON.stringify({ author: 'ana', ...body }),
    });
    return {
      status: answer.status,
      body: (await answer.json()) as { shift: Shift; code?: string },
    };
  };
  const shift = async (id: string) =>
    (await get<{ shifts: ShiftStatus[] }>('/shifts')).shifts.find((one) => one.id === id)!;
  /** How many of a hundred requests reach the canary. */
  const canaries = async () => {
    const url = `http://${address}:${ports.http}/`;
    const all = Array.from({ length: 100 }, async () => (await fetch(url)).text());
    return (await Promise.all(all)).filter((body) => body === 'canary').length;
  };
  const weighted = { kind: 'record', name: 'api.shift.test', type: 'A' };
  /** Errors alone count: how long answers take is the affair of a busy machine. */
  const guard = { minimumRequests: 100, latencyFactor: 1_000 };

  test('answers and requests follow the steps; the share survives a restart without a store', async () => {
    const begun = await post('/shifts/start', {
      ...{ subject: weighted, to: '192.0.2.2', steps: [30, 100], observeSeconds: 0, guard: null },
    });
    assert.equal(begun.status, 200, JSON.stringify(begun.body));
    const { id } = begun.body.shift;
    await eventually('the first step', async () => (await shift(id)).share === 30);
    const client = createDnsClient({ server: address, port: ports.dns! });
    const share = async () => {
      let count = 0;
      for (let asked = 0; asked < 300; asked++) {
        const question = { name: 'api.shift.test', type: 'A', timeoutMs };
        const { answers } = await client.lookup(question);
        if (answers[0]?.data === '192.0.2.2') count++;
      }
      return count / 300;
    };
    await eventually('30 of 100 answers', async () => Math.abs((await share()) - 0.3) < 0.1);
    assert.equal((await post('/shifts/operate', { id, operation: 'finish' })).status, 200);
    await eventually('every answer', async () => (await share()) === 1);
    await node.close();
    node = await start();
    assert.equal(await share(), 1, 'from the first answer on');
    assert.equal((await post('/shifts/operate', { id, operation: 'abort' })).status, 200);
    await eventually('none', async () => (await share()) === 0);
    client.close();
  });

  test('a drain of the region moves clients by their network', async () => {
    const subject = { kind: 'region', region: 'here' };
    const begun = await post('/shifts/start', {
      ...{ subject, steps: [50], observeSeconds: 0, guard: null },
    });
    assert.equal(begun.status, 200, JSON.stringify(begun.body));
    const client = createDnsClient({ server: address, port: ports.dns! });
    const stay = async () => {
      const here = new Set<number>();
      const scopes = new Set<number | undefined>();
      for (let network = 0; network < 100; network++) {
        const subnet = `20.0.${network}.0/24`;
        const question = { name: 'near.shift.test', type: 'A', subnet, timeoutMs };
        const { answers, ecsScope } = await client.lookup(question);
        if (answers[0]?.data === address) here.add(network);
        scopes.add(ecsScope);
      }
      return { here, scopes };
    };
    const half = await eventually('half of them', async () => {
      const found = await stay();
      // Each answer is for the network that was hashed, and none is from before.
      const isHashed = found.scopes.size === 1 && found.scopes.has(24);
      return isHashed && found.here.size > 30 && found.here.size < 70 && found;
    });
    assert.deepEqual(await stay(), half, 'each stays where it is');
    const { id } = begun.body.shift;
    assert.equal((await post('/shifts/operate', { id, operation: 'abort' })).status, 200);
    await eventually('all of them', async () => (await stay()).here.size === 100);
    client.close();
  });

  test('errors that rise at the second step pause the canary there; the operator takes it back', async () => {
    const plan = { ...toCanary, steps: [20, 50, 100], guard, observeSeconds: 0 };
    const begun = await post('/shifts/start', { ...plan, everySeconds: 0.1 });
    assert.equal(begun.status, 200, JSON.stringify(begun.body));
    const { id } = begun.body.shift;
    // The other region does not run, and nobody knows what it would count.
    const waits = async () => (await shift(id)).outlook ?? '';
    await eventually('a word on who is silent', async () => /there/.test(await waits()));
    assert.equal(
      (await post('/shifts/start', { ...plan, message: 'x' })).body.code,
      'shift_exists',
    );
    await configure(0, 'witness');
    await eventually('the first step', async () => (await shift(id)).share === 20, 20_000);
    await eventually('its share', async () => (await canaries()) === 20);
    // Enough for this step, and what is counted late is too little for the next.
    for (let more = 0; more < 4; more++) await canaries();
    await eventually('the second', async () => (await shift(id)).share === 50);
    failing.canary = true;
    await eventually('its share', async () => (await canaries()) === 50);
    const paused = await eventually('the pause', async () => {
      await canaries();
      const found = await shift(id);
      return found.state === 'paused' && found;
    });
    assert.match(paused.reason, /answers of the target were errors/);
    assert.equal(await canaries(), 50, 'a pause holds what was reached');
    const status = await get<NodeStatus>('/status');
    assert.ok(status.degraded.some((one) => one.includes(id) && /errors/.test(one)));
    const metrics = await (await fetch(`http://${address}:${ports.admin}/metrics`)).text();
    assert.ok(
      new RegExp(`meridian_shift_share\\{[^}]*shift="${id}"[^}]*\\} 0.5`).test(metrics),
      'the share is a metric',
    );
    failing.canary = false;
    assert.equal((await post('/shifts/operate', { id, operation: 'abort' })).status, 200);
    await eventually('none', async () => (await canaries()) === 0);
  });

  test('a revision of other weights goes before a shift', async () => {
    const plan = { ...toCanary, steps: [25], guard: null, observeSeconds: 0 };
    const { id } = (await post('/shifts/start', { ...plan, everySeconds: 0.1 })).body.shift;
    await eventually('done', async () => (await shift(id)).state === 'done');
    await eventually('its share', async () => (await canaries()) === 25);
    await configure(10, 'witness');
    await eventually('the new weights', async () => (await canaries()) === 10);
    await eventually('that it holds no more', async () => !(await shift(id)).holds);
  });
});
