import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../test/support/raw-origin.ts';
import { closeCauses } from '../../observability/gateway-layout.ts';
import type { CloseCause } from '../../observability/gateway-metrics.ts';

const quick = {
  idleMs: 150,
  headMs: 150,
  bodyIdleMs: 150,
  writeStallMs: 150,
  halfCloseMs: 150,
  lingerMs: 150,
  lingerBytes: 100_000,
};

async function world(configured: { body?: string } = {}) {
  const origin = await RawOrigin.listen();
  const config = { ...oneRegion(origin.port), limits: configured };
  const started = await startGateway({ config, limits: quick });
  const client = await RawClient.connect(started.port);
  const { block } = started.metrics;
  const counts = () => {
    const first = block.first('causes');
    const counted = closeCauses.map((cause, at) => [cause, block.words[first + at]!] as const);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  };
  return {
    ...started,
    origin,
    client,
    /** Waits until connections were ended by these limits, each once. */
    async endedBy(...causes: CloseCause[]): Promise<void> {
      const expected = Object.fromEntries(causes.map((cause) => [cause, 1]));
      await eventually('the limit', () => Object.keys(counts()).length >= causes.length);
      assert.deepEqual(counts(), expected);
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
    },
  };
}

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\nabc';

test('a connection without a request is closed, one with half a head is told', async () => {
  await using idle = await world();
  assert.equal(await idle.client.rest(), '');
  await idle.endedBy('idle', 'linger');
  await using head = await world();
  head.client.send('GET / HT');
  assert.equal((await head.client.response()).status, 408);
  await head.endedBy('head', 'linger');
});

test('a body that comes too slowly is told', async () => {
  await using w = await world();
  w.client.send(upload);
  assert.equal((await w.client.response()).status, 408);
  await w.endedBy('body', 'linger');
});

test('what is wrong with a body is told also after 100 Continue', async () => {
  const head =
    'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n';
  for (const [body, status] of [
    ['', 408],
    ['nonsense\r\n', 400],
    ['b\r\n0123456789a\r\n', 413],
  ] as const) {
    await using w = await world({ body: '10B' });
    w.origin.onPartial = (text, socket) => {
      if (text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n');
    };
    w.client.send(head);
    assert.equal((await w.client.response()).status, 100);
    w.client.send(body);
    assert.equal((await w.client.response()).status, status);
    await eventually('its end', () => w.log.length === 1);
    assert.equal(w.log[0]!.status, status);
  }
});

test('who closes its side gets its response only while that makes progress', async () => {
  await using w = await world();
  w.origin.respond = () => {};
  w.client.send(get);
  w.client.socket.end();
  await w.client.closed();
  await w.endedBy('progress');
});

test('after the last answer so much is read, and no more', async () => {
  await using w = await world();
  w.client.send('nonsense\r\n\r\n');
  assert.equal((await w.client.response()).status, 400);
  w.client.send('x'.repeat(2 * quick.lingerBytes));
  await w.endedBy('linger');
});

for (const [what, send] of [
  ['sends nothing', () => {}],
  ['ends its upload', (client: RawClient) => client.send('x'.repeat(17))],
  ['goes on with its upload, drop by drop', dripped],
] as const) {
  test(`a client that takes none of its response is given up, also one that ${what}`, async () => {
    await using w = await world();
    w.origin.onPartial = (text, socket) => {
      if (text.endsWith('abc')) socket.write(okResponse('x'.repeat(20_000_000)));
    };
    w.origin.respond = () => {};
    w.client.send(upload);
    await w.client.until('200 OK');
    w.client.socket.pause();
    await eventually('its upstream waits', () => w.health.endpoints.inFlight(0) === 1);
    const sending = setTimeout(() => send(w.client), 20);
    await eventually('it is given up', () => w.log.length === 1);
    clearTimeout(sending);
    assert.equal(w.health.endpoints.inFlight(0), 0);
    await w.endedBy('drain');
  });
}

function dripped(client: RawClient): void {
  let left = 17;
  const drip = setInterval(() => {
    if (left-- > 0 && !client.socket.destroyed) client.send('x');
    else clearInterval(drip);
  }, 40);
}
