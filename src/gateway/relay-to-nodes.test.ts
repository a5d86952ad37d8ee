import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { fairTimer } from '../../test/support/fair-time.ts';
import { freePort } from '../../test/support/free-ports.ts';
import { revisionOf, type StartedGateway, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import { healthy, unhealthy } from '../health/table.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
const location = { latitude: 1, longitude: 1 };
const own = '127.0.14.1';
const addresses = ['127.0.15.1', '127.0.15.2'] as const;
const authority = await createAuthority();
const [eu, us] = await Promise.all(
  ['eu', 'us'].map((region) => issueRegionIdentity(authority, region, { addresses: [] })),
);

/** eu has no endpoint that works and relays all to us, which has two nodes with an origin each. */
async function world(connect = '10s') {
  const linkPort = await freePort(...addresses);
  const origins = [await RawOrigin.listen(), await RawOrigin.listen()] as const;
  const config = (port: number): ConfigInput => ({
    regions: {
      eu: { address: own, location },
      us: {
        address: addresses[0],
        location,
        nodes: { a: { address: addresses[0] }, b: { address: addresses[1] } },
      },
    },
    ports: { link: linkPort },
    services: { s: { endpoints: { us: [`127.0.0.1:${port}`] }, timeouts: { connect } } },
    routes: [{ name: 'all', service: 's' }],
  });
  const nodes: StartedGateway[] = [];
  for (const [index, origin] of origins.entries()) {
    origin.respond = (_request, socket) => void socket.write(okResponse('ab'[index]!));
    const listen = { link: { host: addresses[index]!, port: linkPort, identity: us! } };
    nodes.push(await startGateway({ config: config(origin.port), region: 'us', listen }));
  }
  const listen = { http: { host: own, port: 0 } };
  const options = { config: config(1), identity: eu!, listen };
  const front = await startGateway(options);
  front.health.setGateway(1, healthy);
  front.health.setService(0, 1, healthy);
  const client = await RawClient.connect(front.port, own);
  return {
    origins,
    nodes: nodes as [StartedGateway, StartedGateway],
    front,
    client,
    linkPort,
    options,
    async [Symbol.asyncDispose]() {
      client.close();
      for (const { gateway, defects } of [front, ...nodes]) {
        await gateway.close();
        assert.deepEqual(defects, []);
      }
      for (const origin of origins) await origin.close();
    },
  };
}

test('the nodes of the other region share what is relayed', async () => {
  await using w = await world();
  let bodies = '';
  for (let n = 0; n < 6; n++) bodies += (await w.client.request(get)).body;
  assert.equal(bodies, 'ababab');
  w.front.health.setAddressDraining(1, true);
  bodies = '';
  for (let n = 0; n < 3; n++) bodies += (await w.client.request(get)).body;
  assert.equal(bodies, 'bbb');
});

test('a node that is gone costs no request: the other one of its region takes it', async () => {
  await using w = await world();
  await w.nodes[0].gateway.close();
  for (let n = 0; n < 4; n++) {
    for (const text of [get, post]) assert.equal((await w.client.request(text)).body, 'b');
  }
  const retried = w.front.log.filter(({ retries }) => retries === 1);
  assert.equal(retried.length, 4, 'each second one went to the dead node first');
});

test('a frozen node costs the limit of connecting', async () => {
  await using w = await world('300ms');
  // So that there is a connection to the other one: it has the same limit.
  await eventually('b serves', async () => (await w.client.request(get)).body === 'b');
  await w.nodes[0].gateway.close();
  await using frozen = await RawOrigin.listen(addresses[0], w.linkPort);
  const startedMs = performance.now();
  const fairMs = fairTimer();
  assert.equal((await w.client.request(post)).body, 'b');
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs >= 290 && fairMs() < 5_000, `${tookMs} ms`);
  assert.equal(frozen.received.length, 1);
});

test('both nodes gone: the region counts as tried, and there is no other', async () => {
  await using w = await world();
  for (const { gateway } of w.nodes) await gateway.close();
  const response = await w.client.request(get);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.body).code, 'no_usable_endpoint');
  assert.equal(w.front.log[0]!.retries, 1);
});

test('what may have been carried out is not sent to the other node', async () => {
  await using w = await world();
  w.origins[0].respond = () => {};
  w.client.send(post);
  await eventually('the request', () => w.origins[0].requests.length === 1);
  await w.nodes[0].gateway.close();
  assert.equal((await w.client.response()).status, 502);
  assert.equal(w.origins[1].requests.length, 0);
});

test('a node that turns unhealthy is left by what waits there, for the other one', async () => {
  await using w = await world();
  w.origins[0].respond = () => {};
  w.client.send(get);
  await eventually('the request', () => w.origins[0].requests.length === 1);
  w.front.health.setAddress(1, unhealthy);
  assert.equal((await w.client.response()).body, 'b');
  await eventually('the cancelled one', () => w.nodes[0].log[0]?.status === 499);
});

test('link connections outlive a revision, but not the identity that opened them', async () => {
  await using w = await world();
  const opened = () =>
    w.nodes.flatMap(({ metrics: { block } }) => block.words[block.first('opened') + 2]);
  for (let n = 0; n < 2; n++) await w.client.request(get);
  assert.deepEqual(opened(), [1, 1]);
  const swap = async (identity: typeof eu) => {
    const next = revisionOf({ ...w.options, identity: identity! });
    next.health.setGateway(1, healthy);
    next.health.setService(0, 1, healthy);
    (await w.front.gateway.prepare(next)).commit();
    for (let n = 0; n < 2; n++) assert.equal((await w.client.request(get)).status, 200);
  };
  await swap({ ...eu! });
  assert.deepEqual(opened(), [1, 1]);
  await swap(await issueRegionIdentity(authority, 'eu'));
  assert.deepEqual(opened(), [2, 2]);
  await eventually('the old ones to close', () =>
    w.nodes.every(({ metrics: { block } }) => block.words[block.first('closed') + 2] === 1),
  );
});
