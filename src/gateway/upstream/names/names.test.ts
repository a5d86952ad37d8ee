import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../../../../test/support/eventually.ts';
import { startGateway } from '../../../../test/support/gateways.ts';
import { RawClient } from '../../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../../test/support/raw-origin.ts';
import { type NameAnswer, type NameSource, SystemNames } from './name-source.ts';
import { DnsServer } from './testdata/dns-server.ts';

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const name = 'svc.example.test';

/** Origins on the same port of two addresses, behind one name. */
async function world(names: NameSource) {
  const [first, second] = await onOnePort('127.0.0.1', '127.0.0.2');
  first.respond = (_request, socket) => void socket.write(okResponse('first'));
  second.respond = (_request, socket) => void socket.write(okResponse('second'));
  const started = await startGateway({
    config: {
      regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services: { s: { endpoints: { eu: [`${name}:${first.port}`] } } },
      routes: [{ name: 'all', service: 's' }],
    },
    names,
  });
  const client = await RawClient.connect(started.port);
  return {
    ...started,
    first,
    second,
    client,
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await first.close();
      await second.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

async function onOnePort(one: string, other: string): Promise<[RawOrigin, RawOrigin]> {
  const first = await RawOrigin.listen(one);
  const second = await RawOrigin.listen(other, first.port).catch(() => undefined);
  if (second) return [first, second];
  // Somebody else has it at the other address.
  await first.close();
  return onOnePort(one, other);
}

test('a name that moves is followed within its TTL, and no request fails', async () => {
  const dns = await DnsServer.listen();
  dns.answers.set(name, { addresses: ['127.0.0.1'], ttl: 1 });
  {
    await using w = await world(new SystemNames({ servers: [dns.address] }));
    assert.equal((await w.client.request(get)).body, 'first');
    dns.answers.set(name, { addresses: ['127.0.0.2'], ttl: 1 });
    await eventually('requests go to the new address', async () => {
      const { status, body } = await w.client.request(get);
      assert.equal(status, 200);
      return body === 'second';
    });
    const before = w.first.requests.length;
    dns.answers.set(name, { rcode: 'REFUSED' });
    const asked = dns.questions.length;
    await eventually('it was asked for in vain', () => dns.questions.length > asked + 3);
    assert.equal((await w.client.request(get)).body, 'second', 'the last address is kept');
    assert.equal(w.first.requests.length, before, 'the open connection was not used again');
  }
  const asked = dns.questions.length;
  await dns.close();
  assert.equal(dns.questions.length, asked, 'the gateway has stopped asking');
});

/** One answer for all names, at once. */
class FixedNames implements NameSource {
  answer: NameAnswer;

  constructor(...addresses: string[]) {
    this.answer = { addresses, ttlMs: 1_000 };
  }

  resolve(): Promise<NameAnswer> {
    return Promise.resolve(this.answer);
  }

  close(): void {}
}

test('several addresses take turns; one where nobody listens costs no request', async () => {
  await using w = await world(new FixedNames('127.0.0.1', '127.0.0.3', '127.0.0.2'));
  const clients: RawClient[] = [];
  for (let n = 0; n < 6; n++) {
    const client = await RawClient.connect(w.port);
    // While this one is busy, the next client needs a connection of its own.
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n');
    await eventually(
      'its connection stands',
      () => w.first.received.length + w.second.received.length > n,
    );
    clients.push(client);
  }
  assert.deepEqual([w.first.received.length, w.second.received.length], [2, 4]);
  for (const client of clients) client.close();
});

test('a connection that was busy while its address went takes no further request', async () => {
  const names = new FixedNames('127.0.0.1');
  await using w = await world(names);
  let held: Socket | undefined;
  w.first.respond = (_request, socket) => {
    if (held) socket.write(okResponse('first'));
    else held = socket;
  };
  w.client.send(get);
  const origin = await eventually('a request is under way', () => held);
  names.answer = { addresses: ['127.0.0.2'], ttlMs: 60_000 };
  using other = await RawClient.connect(w.port);
  await eventually('others go to the new address', async () => {
    return (await other.request(get)).body === 'second';
  });
  const before = w.first.requests.length;
  origin.write(okResponse('first'));
  assert.equal((await w.client.response()).body, 'first');
  for (let n = 0; n < 3; n++) assert.equal((await w.client.request(get)).body, 'second');
  assert.equal(w.first.requests.length, before);
});

test('a name that does not exist is no connection, and the endpoint is to blame', async () => {
  const names: NameSource = { resolve: () => Promise.reject(new Error('none')), close() {} };
  await using w = await world(names);
  const { status, body } = await w.client.request(get);
  assert.equal(status, 502);
  assert.equal(JSON.parse(body).code, 'upstream_connect_failed');
});
