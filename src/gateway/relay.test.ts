import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { eventually } from '../../test/support/eventually.ts';
import { fairTimer } from '../../test/support/fair-time.ts';
import { Http2Client } from '../../test/support/http2-client.ts';
import { linkedRegions } from '../../test/support/linked-gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import { healthy, unhealthy } from '../health/table.ts';
import { issueRegionIdentity } from '../link/authority.ts';
import { encodeFrame } from '../link/frames.ts';
import { frameProtocol, linkClientOptions } from '../link/identity.ts';

const get = 'GET /p HTTP/1.1\r\nHost: a\r\n\r\n';
const post = 'POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc';
const names = ['eu', 'us', 'ap'] as const;
type Name = (typeof names)[number];
const addresses: Record<Name, string> = { eu: '127.0.11.1', us: '127.0.12.1', ap: '127.0.13.1' };
/** us is nearer to eu than ap is. */
const linked = await linkedRegions({
  regions: {
    eu: { address: addresses.eu, location: { latitude: 53, longitude: -6 } },
    us: { address: addresses.us, location: { latitude: 39, longitude: -77 } },
    ap: { address: addresses.ap, location: { latitude: 1, longitude: 104 } },
  },
  http2: true,
});
const { authority, identities } = linked;

async function world(...adjust: Parameters<typeof linked.world>) {
  const deployment = await linked.world(...adjust);
  return {
    ...deployment,
    /** What the gateway of `at` believes of the service in `region`. */
    believe(at: Name, region: Name, state: typeof healthy | typeof unhealthy) {
      deployment.gateways[at].health.setService(0, names.indexOf(region), state);
    },
  };
}

test('an unhealthy service is relayed at once to the nearest region, with the client named', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  for (const text of [get, post]) {
    const response = await w.client.request(text);
    assert.equal(response.body, 'from us');
    assert.match(response.head, /^Meridian-Region: us\r$/m);
  }
  const { head, body } = w.origins.us.requests[1]!;
  assert.equal(body, 'abc');
  assert.match(head, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(head, /^X-Forwarded-Host: a\r$/m);
  assert.match(head, /^Via: 1\.1 eu\.meridian\r$/m);
  assert.match(head, /^Via: 1\.1 us\.meridian\r$/m);
  assert.doesNotMatch(head, /^meridian-/im);
  assert.equal(head.match(/^x-request-id/gim)!.length, 1);
  const [here] = w.gateways.eu.log;
  const [there] = w.gateways.us.log;
  assert.equal(there!.requestId, here!.requestId);
  assert.equal(there!.traceId, here!.traceId);
  assert.deepEqual([here!.hop, there!.hop], [0, 1]);
  assert.equal(there!.client, '127.0.0.1');
  assert.equal(w.origins.eu.requests.length, 0);
});

test('a region that gives its clients away is relayed to when nobody else can take them', async () => {
  await using w = await world();
  const shift = (share: number) =>
    w.gateways.eu.gateway.useShifts([
      { subject: { kind: 'region', region: 'us' }, to: 'us', share, basis: 'region' },
    ]);
  const body = async () => (await w.client.request(get)).body;
  shift(0);
  assert.equal(await body(), 'from eu');
  w.believe('eu', 'eu', unhealthy);
  assert.equal(await body(), 'from ap', 'though it is farther');
  w.believe('eu', 'ap', unhealthy);
  assert.equal(await body(), 'from us');
  w.believe('eu', 'ap', healthy);
  shift(1);
  assert.equal(await body(), 'from us');
});

test('a gRPC client is told by its own means of a problem in the other region', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  w.believe('eu', 'ap', unhealthy);
  for (const name of names) await w.origins[name].close();
  using client = await Http2Client.connect(`http://${addresses.eu}:${w.gateways.eu.port}`);
  const grpc = { ':method': 'POST', ':path': '/s/m', 'content-type': 'application/grpc' };
  const { status, headers, body } = await client.request(grpc, 'x');
  assert.deepEqual([status, headers['grpc-status'], body], [200, '14', '']);
  assert.match(String(headers['grpc-message']), /no_usable_endpoint|upstream_connect_failed/);
  assert.equal(headers['meridian-problem'], undefined);
});

test('a dead endpoint moves requests within the same request, before health knows', async () => {
  await using w = await world();
  await w.origins.eu.close();
  for (const text of [get, post, get, get]) {
    assert.equal((await w.client.request(text)).body, 'from us');
  }
  assert.ok(w.gateways.eu.health.ejected(0));
  w.origins.eu = await RawOrigin.listen();
});

test('the next region is tried when one has nothing usable; all dead is one 503', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  await w.origins.us.close();
  assert.equal((await w.client.request(get)).body, 'from ap');
  await w.origins.ap.close();
  await w.origins.eu.close();
  const response = await w.client.request(get);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.body).code, 'no_usable_endpoint');
  assert.doesNotMatch(response.head, /meridian-problem/i);
  for (const name of names) w.origins[name] = await RawOrigin.listen();
  const hops = names.flatMap((name) => w.gateways[name].log.map(({ hop }) => hop));
  assert.ok(hops.every((hop) => hop === 0 || hop === 1));
});

test('a relayed request never leaves again', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  // us thinks that only eu is well: without the hop limit the request would come back.
  w.believe('us', 'us', unhealthy);
  await w.origins.us.close();
  assert.equal((await w.client.request(get)).body, 'from ap');
  assert.equal(w.gateways.us.log[0]!.error, 'no_usable_endpoint');
  assert.equal(w.gateways.eu.log.length, 1);
  w.origins.us = await RawOrigin.listen();
});

test('residency of the service is never traded for availability', async () => {
  await using w = await world((config) => {
    config.services!.s!.residency = ['us'];
  });
  assert.equal((await w.client.request(get)).body, 'from us');
  w.believe('eu', 'us', unhealthy);
  const response = await w.client.request(get);
  assert.equal(response.status, 503);
  assert.equal(JSON.parse(response.body).code, 'residency_unavailable');
  assert.equal(w.origins.eu.requests.length + w.origins.ap.requests.length, 0);
});

test('residency of the route narrows that of the service', async () => {
  await using w = await world((config) => {
    config.services!.s!.residency = ['eu', 'ap'];
    config.routes![0]!.residency = ['ap', 'us'];
  });
  assert.equal((await w.client.request(get)).body, 'from ap');
  assert.equal(w.origins.eu.requests.length, 0);
});

test('a request that policies changed is served elsewhere by the route that was found for it', async () => {
  await using beta = await RawOrigin.listen();
  beta.respond = (_request, socket) => void socket.write(okResponse('beta'));
  await using w = await world((config) => {
    config.services!.beta = { endpoints: { us: [`127.0.0.1:${beta.port}`] } };
    const policies = [{ type: 'headers' as const, request: { remove: ['X-Beta'] } }];
    const headers = [{ name: 'x-beta', value: '1' }];
    config.routes!.push({ name: 'beta', headers, service: 'beta', policies });
  });
  for (const { health } of Object.values(w.gateways))
    health.setService(1, names.indexOf('us'), healthy);
  const { body } = await w.client.request('GET /p HTTP/1.1\r\nHost: a\r\nX-Beta: 1\r\n\r\n');
  assert.equal(body, 'beta');
  assert.doesNotMatch(beta.requests[0]!.head, /x-beta/i);
});

test('a region that answers nothing is left as soon as health turns against it', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  w.origins.us.respond = () => {};
  w.client.send(get);
  await eventually('the relayed request', () => w.origins.us.requests.length === 1);
  w.gateways.eu.health.setGateway(names.indexOf('us'), unhealthy);
  assert.equal((await w.client.response()).body, 'from ap');
  // The one that waited there was cancelled.
  await eventually('the cancelled one', () => w.gateways.us.log[0]?.status === 499);
});

test('a region that cannot be reached costs the connect limit at most', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  await w.gateways.us.gateway.close();
  assert.equal((await w.client.request(post)).body, 'from ap');
});

test('a frozen region, which still accepts connections, costs the connect limit at most', async () => {
  await using w = await world((config) => {
    config.services!.s!.timeouts = { connect: '500ms' };
  });
  w.believe('eu', 'eu', unhealthy);
  w.believe('eu', 'us', unhealthy);
  // So that there is a connection to the other one: it has the same limit.
  await eventually('ap serves', async () => (await w.client.request(get)).body === 'from ap');
  w.believe('eu', 'us', healthy);
  await w.gateways.us.gateway.close();
  const frozen = await RawOrigin.listen(addresses.us, w.linkPort);
  const tookMs = fairTimer();
  assert.equal((await w.client.request(post)).body, 'from ap');
  assert.ok(tookMs() < 5_000);
  assert.equal(frozen.received.length, 1);
  await frozen.close();
});

test('link connections are kept and used again', async () => {
  await using w = await world();
  w.believe('eu', 'eu', unhealthy);
  for (let n = 0; n < 5; n++) await w.client.request(get);
  assert.equal(new Set(w.origins.us.requests.map(({ connection }) => connection)).size, 1);
});

test('a session is resumed, and the region on the other side is still proved', async () => {
  await using w = await world();
  const options = {
    ...linkClientOptions(identities.us, 'eu'),
    host: addresses.eu,
    port: w.linkPort,
  };
  const first = await RawClient.connectTls(options);
  const ticket = once(first.socket, 'session');
  assert.equal((await first.request(get)).status, 200);
  const [session] = (await ticket) as [Buffer];
  first.close();
  const second = await RawClient.connectTls({ ...options, session });
  assert.ok((second.socket as TLSSocket).isSessionReused());
  assert.equal((await second.request(get)).status, 200);
  assert.deepEqual(
    w.gateways.eu.log.map(({ hop }) => hop),
    [1, 1],
  );
  second.close();
});

test('draining: a link connection stays until its next answer, which closes it', async () => {
  await using w = await world();
  const options = {
    ...linkClientOptions(identities.us, 'eu'),
    host: addresses.eu,
    port: w.linkPort,
  };
  using client = await RawClient.connectTls(options);
  await client.request(get);
  using promised = await RawClient.connectTls(options);
  const asked = new Promise<Socket>((resolve) => {
    w.origins.eu.respond = (_request, socket) => resolve(socket);
  });
  promised.send(get);
  const upstream = await asked;
  upstream.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nla');
  await promised.until('la');
  w.gateways.eu.gateway.drain();
  upstream.write('te');
  assert.doesNotMatch((await promised.response()).head, /^Connection: close\r$/m);
  w.origins.eu.respond = (_request, socket) => void socket.write(okResponse('ok'));
  // Clients from outside are let go soon; when that has happened, these are still there.
  await w.client.rest();
  await new Promise((resolve) => setTimeout(resolve, 150));
  for (const peer of [client, promised]) {
    const response = await peer.request(post);
    assert.equal(response.status, 200);
    assert.match(response.head, /^Connection: close\r$/m);
  }
});

test('hop fields count on the link only, and only up to one', async () => {
  await using w = await world();
  const client = await RawClient.connectTls({
    ...linkClientOptions(identities.ap, 'eu'),
    host: addresses.eu,
    port: w.linkPort,
  });
  const relayed = (hop: string) => `GET / HTTP/1.1\r\nHost: a\r\nMeridian-Hop: ${hop}\r\n\r\n`;
  assert.equal((await client.request(relayed('1'))).body, 'from eu');
  for (const hop of ['2', 'x']) {
    const response = await client.request(relayed(hop));
    assert.equal(response.status, 508);
    assert.equal(JSON.parse(response.body).code, 'hop_limit');
    assert.match(response.head, /^Meridian-Problem: hop_limit\r$/m);
  }
  client.close();
  assert.equal((await w.client.request(relayed('2'))).body, 'from eu');
});

test('a link connection needs the certificate of a configured region', async () => {
  await using w = await world();
  const stranger = await issueRegionIdentity(authority, 'moon');
  const socket = connect({
    ...linkClientOptions(stranger, 'eu'),
    host: addresses.eu,
    port: w.linkPort,
  });
  socket.on('error', () => {});
  socket.write(get);
  socket.resume();
  await once(socket, 'close');
  assert.equal(w.gateways.eu.log.length, 0);
});

test('control frames are handed over with the region that sent them', async () => {
  await using w = await world();
  const socket = connect({
    ...linkClientOptions(identities.us, 'eu', frameProtocol),
    host: addresses.eu,
    port: w.linkPort,
  });
  await once(socket, 'secureConnect');
  socket.write(encodeFrame({ verdicts: 1 }));
  const frame = await eventually('the frame', () => w.gateways.eu.frames[0]);
  assert.deepEqual(frame, { region: 'us', text: '{"verdicts":1}' });
  socket.destroy();
});
