import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { WebSocket } from 'ws';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import {
  EdgeLoad,
  edgeConfig,
  type Place,
  places,
  type Region,
  RegionService,
  regions,
} from '../support/edge-world.ts';
import { Http2Client } from '../support/http2-client.ts';
import { TestStack, until } from '../support/stack.ts';

/** A black hole lasts until the quorum has spoken. */
const slowestMs = 5_000;
const recoveredMs = 120_000;

describe('an edge and a witness before two regions', () => {
  let stack: TestStack;
  let services: Record<Region, RegionService>;
  before(async () => {
    services = { us: await RegionService.start('us'), eu: await RegionService.start('eu') };
    stack = await TestStack.start(await edgeConfig({ us: services.us.port, eu: services.eu.port }));
    await until(
      'the edge has measured both regions',
      async () => (await relayOrder()).length === 2,
      recoveredMs,
    );
  });
  after(async () => {
    await stack?.stop();
    for (const service of Object.values(services)) service.close();
  });

  const address = (place: Place) => `127.${stack.loopback}.${places[place]}.1`;
  const edge = () => `http://${address('edge-1')}:8080`;
  /** On a connection of its own: a kept one may be closed as it is used again. */
  const admin = (place: Place, path: string) =>
    fetch(`http://${address(place)}:9000${path}`, { headers: { connection: 'close' } });
  const statusOf = async (place: Place) =>
    (await (await admin(place, '/status')).json()) as NodeStatus;
  const metric = async (place: Place, name: string) => {
    const text = await (await admin(place, '/metrics')).text();
    const found = text.split('\n').find((line) => line.startsWith(`${name} `));
    return Number(found?.split(' ')[1] ?? Number.NaN);
  };
  const gatewayOf = async (region: Region, seenBy: Place) =>
    (await statusOf(seenBy)).regions.find(({ name }) => name === region)!.gateway!;

  interface Candidate {
    readonly target: Region;
    readonly usable: boolean;
    /** With the round trip, to a tenth of a millisecond. */
    readonly why: string;
  }

  /** What the edge explains of regions to relay to, best first. */
  async function candidates(): Promise<Candidate[]> {
    const url = encodeURIComponent('http://api.exchange.test/');
    const answer = await admin('edge-1', `/explain/request?url=${url}`);
    return ((await answer.json()) as { candidates: Candidate[] }).candidates;
  }

  const measuredOf = (all: readonly Candidate[]) =>
    all.filter(({ usable, why }) => usable && / ms away$/.test(why)).map(({ target }) => target);
  const relayOrder = async () => measuredOf(await candidates());

  /** Under load: what `fault` does to the region that serves, until the other one does. */
  async function lose(fault: (region: Region) => Promise<unknown>) {
    const load = new EdgeLoad(edge(), 100);
    try {
      const last = () => load.asked.slice(-20);
      await until('load runs', () => {
        const [one] = last();
        const isWell = last().every(
          ({ status, region }) => status === 200 && region === one?.region,
        );
        return load.asked.length > 50 && isWell;
      });
      const serving = load.asked.at(-1)!.region as Region;
      const next = regions.find((region) => region !== serving)!;
      const faultMs = performance.now();
      await fault(serving);
      await until('the other region serves', () =>
        load.asked
          .slice(-50)
          .every(({ region, startedMs }) => region === next && startedMs > faultMs),
      );
      return { load, serving, next };
    } finally {
      await load.stop();
    }
  }

  async function recover(region: Region): Promise<void> {
    await stack.run('region', 'start', region);
    await until('it is used again', async () => (await relayOrder()).length === 2, recoveredMs);
  }

  /** What may be repeated never fails; the rest is carried out once at most, and answered. */
  function judge({ asked }: EdgeLoad, context: { diagnostic(text: string): void }): void {
    const failed = asked.filter(({ status }) => status !== 200);
    const slowest = Math.max(...asked.map(({ startedMs, endedMs }) => endedMs - startedMs));
    const codes = failed.map(({ method, status }) => `${method} ${status}`).join(', ');
    context.diagnostic(
      `${asked.length} requests, the slowest ${slowest.toFixed(0)} ms; failed: ${codes || 'none'}`,
    );
    assert.deepEqual(
      failed.filter(({ method }) => method !== 'POST'),
      [],
    );
    assert.ok(
      failed.every(({ status }) => status === 502 || status === 504),
      'with a code',
    );
    assert.ok(
      asked.every(({ whole }) => whole),
      'contents were sent again whole',
    );
    for (const { path, method } of asked) {
      if (method !== 'POST') continue;
      const times = regions.map((region) => services[region].posts.get(path) ?? 0);
      assert.ok(times[0]! + times[1]! <= 1, `${path} was carried out ${times.join(' and ')} times`);
    }
  }

  test('requests reach the region with the shortest round trip, over few connections', async () => {
    const opened = async () => {
      const counts = await Promise.all(
        regions.map((region) =>
          metric(region, 'meridian_gateway_accepted_connections_total{listener="link"}'),
        ),
      );
      return counts[0]! + counts[1]!;
    };
    const before = await opened();
    // Round trips within one machine change at any time: a request is judged where they were the
    // same before and after it.
    let known = await candidates();
    let asked = 0;
    for (let judged = 0; judged < 60; asked++) {
      const answer = await fetch(`${edge()}/${asked}`);
      await answer.text();
      const now = await candidates();
      if (measuredOf(known).length === 2 && isDeepStrictEqual(now, known)) {
        assert.equal(answer.headers.get('meridian-region'), measuredOf(known)[0]);
        judged++;
      }
      known = now;
    }
    // One for each gateway thread that the client's connection may have come to, and frames.
    const more = (await opened()) - before;
    assert.ok(more <= 8, `${more} connections for ${asked} requests`);
  });

  test('HTTP/2 and WebSockets pass through it', async () => {
    using client = await Http2Client.connect(edge());
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        client.request({ ':method': 'PUT', ':path': '/h2' }, 'over h2'),
      ),
    );
    for (const { status, body } of answers) {
      assert.equal(status, 200);
      assert.match(body, /^(us|eu) over h2$/);
    }
    const socket = new WebSocket(`ws://${address('edge-1')}:8080/chat`);
    await once(socket, 'open');
    socket.send('hello');
    assert.match(String((await once(socket, 'message'))[0]), /^(us|eu) heard hello$/);
    socket.close();
    await once(socket, 'close');
  });

  test('DNS names the edge; the witness serves nothing, and has its say', async () => {
    await until('DNS names the edge', async () => {
      const { code, stdout } = await stack.attempt('lookup', 'api.exchange.test', '--json');
      return code === 0 && stdout.includes(address('edge-1'));
    });
    const refused = connect(8080, address('watch'));
    const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
    await until('the word of the witness', async () => {
      const { reason } = await gatewayOf('us', 'eu');
      return /^3 of 3 vantages heard say up: edge-1, eu, watch|edge-1.*watch/.test(reason);
    });
  });

  test('a region is killed under load', async (context) => {
    const { load, serving, next } = await lose((region) => stack.run('region', 'kill', region));
    await until('the quorum', async () => (await gatewayOf(serving, next)).state === 'unhealthy');
    await until('the word of the witness again', async () => {
      const { reason } = await gatewayOf(serving, next);
      return /^3 of 3 vantages heard say down: .*watch/.test(reason);
    });
    await recover(serving);
    judge(load, context);
  });

  test('a region falls silent under load: a black hole', async (context) => {
    const { load, serving } = await lose((region) => stack.run('region', 'freeze', region));
    await recover(serving);
    judge(load, context);
    const slow = load.asked.filter(({ method, tookMs }) => method !== 'POST' && tookMs > slowestMs);
    assert.deepEqual(slow, []);
  });

  test('a region is stopped gracefully under load: nothing fails', async (context) => {
    const { load, serving } = await lose(async (region) => process.kill(await pidOf(region)));
    judge(load, context);
    assert.deepEqual(
      load.asked.filter(({ status }) => status !== 200),
      [],
    );
    await until('it ended', async () => !(await pidOf(serving).catch(() => undefined)));
  });

  const pidOf = (region: Region) => stack.nodePid(region as never);
});
