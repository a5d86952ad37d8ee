import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { oneRegion, revisionOf, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { createAuthority, issueRegionIdentity, issueServerCertificate } from '../link/authority.ts';

const host = '127.0.0.1';
const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const authority = await createAuthority();
const certificates = await Promise.all(
  [0, 1].map(() => issueServerCertificate(authority, ['a.test'], [host])),
);
const identity = await issueRegionIdentity(authority, 'eu', { addresses: [host] });

/** The collector, without a flag for the whole process from its start. */
function collector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}

/** Large enough that one that is kept shows. */
function manyRoutes(port: number): ConfigInput {
  const config = oneRegion(port);
  config.routes = [
    ...Array.from({ length: 500 }, (_, at) => ({
      name: `r${at}`,
      prefix: `/path/number-${at}`,
      service: 's',
    })),
    { name: 'all', service: 's' },
  ];
  for (let at = 0; at < 500; at++) {
    config.services![`s${at}`] = { endpoints: { eu: [`127.0.0.1:${20_000 + at}`] } };
  }
  return config;
}

const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';

/** An origin that also agrees to tunnels. */
async function listen(): Promise<RawOrigin> {
  const origin = await RawOrigin.listen();
  const switched = 'HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n';
  origin.respond = ({ head }, socket) =>
    void socket.write(head.includes('Upgrade: echo') ? switched : okResponse('ok'));
  return origin;
}

/** Two that differ in all that a swap replaces: an endpoint, an address, a certificate. */
function revisionsOf(ports: readonly number[]) {
  return ports.map((port, index) =>
    revisionOf({
      config: manyRoutes(port),
      identity,
      listen: {
        http: { host, port: 0 },
        https: {
          host: `127.0.0.${2 + index}`,
          port: 0,
          tls: { certificates: [certificates[index]!] },
        },
        link: { host, port: 0, identity },
      },
    }),
  );
}

test('300 swaps leave memory and handles as they were, with connections and tunnels of many revisions', async () => {
  await using first = await listen();
  await using second = await listen();
  const revisions = revisionsOf([first.port, second.port]);
  await using started = await startGateway({ config: oneRegion(first.port) });
  await using stack = new AsyncDisposableStack();
  const collect = collector();
  const open = async (text: string) => {
    const client = stack.use(await RawClient.connect(started.port));
    client.send(text);
    await client.response();
    return client;
  };
  const busy = await open(get);
  let swaps = 0;
  const swap = async (count: number) => {
    for (let n = 0; n < count; n++) {
      const next = revisions[++swaps % 2]!;
      (await started.gateway.prepare(next)).abandon();
      (await started.gateway.prepare(next)).commit();
      assert.equal((await busy.request(get)).body, 'ok');
      if (n % 10 !== 0) continue;
      await open(get);
      await open(upgrade);
    }
  };
  const measure = async () => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    for (let n = 0; n < 2; n++) collect();
    const { heapUsed } = process.memoryUsage();
    // What the test itself holds: per connection one socket at each end, and as many upstream.
    const handles = process.getActiveResourcesInfo().length;
    return { heapUsed, handles };
  };
  await swap(60);
  const before = await measure();
  await swap(300);
  const after = await measure();
  const growth = after.heapUsed / before.heapUsed;
  assert.ok(growth < 1.1, `the heap grew to ${(100 * growth).toFixed(1)} %`);
  const opened = 30 * 2 + 30 * 4;
  const more = after.handles - before.handles - opened;
  assert.ok(Math.abs(more) <= 4, `${more} handles more than connections that were opened`);
});
