import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SystemNames } from './name-source.ts';
import { DnsServer } from './testdata/dns-server.ts';

const name = 'svc.example.test';
async function world() {
  const server = await DnsServer.listen();
  const names = new SystemNames({ servers: [server.address] });
  return {
    server,
    names,
    async [Symbol.asyncDispose]() {
      names.close();
      await server.close();
    },
  };
}

test('addresses of both families, IPv4 first, hold as long as the shortest TTL', async () => {
  await using w = await world();
  const { server, names } = w;
  server.answers.set(name, { addresses: ['2001:db8::1', '192.0.2.1', '192.0.2.2'], ttl: 7 });
  const { addresses, ttlMs } = await names.resolve(name);
  assert.deepEqual(addresses.toSorted(), ['192.0.2.1', '192.0.2.2', '2001:db8::1']);
  assert.equal(addresses[2], '2001:db8::1');
  assert.equal(ttlMs, 7_000);
  assert.deepEqual(server.questions.toSorted(), [`A ${name}`, `AAAA ${name}`]);
});

test('one family is enough', async () => {
  await using w = await world();
  const { server, names } = w;
  server.answers.set(name, { addresses: ['2001:db8::1'], ttl: 60 });
  assert.deepEqual(await names.resolve(name), { addresses: ['2001:db8::1'], ttlMs: 60_000 });
});

test('no such name and a server that fails are told apart; neither is an answer', async () => {
  await using w = await world();
  const { server, names } = w;
  server.answers.set(name, { rcode: 'NXDOMAIN' });
  await assert.rejects(names.resolve(name), {
    code: 'name_unknown',
    message: /svc\.example\.test/,
  });
  server.answers.set(name, { addresses: [], ttl: 1 });
  await assert.rejects(names.resolve(name), { code: 'name_unknown' });
  server.answers.set(name, { rcode: 'REFUSED' });
  await assert.rejects(names.resolve(name), { code: 'name_unavailable' });
  server.answers.set(name, { addresses: ['192.0.2.1'], ttl: 1 });
  assert.equal((await names.resolve(name)).ttlMs, 1_000, 'asked again afterwards');
});

test('a name without a dot is asked of the system, for five seconds', async () => {
  await using w = await world();
  const { server, names } = w;
  const { addresses, ttlMs } = await names.resolve('localhost');
  assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), `${addresses}`);
  assert.equal(ttlMs, 5_000);
  assert.deepEqual(server.questions, []);
});

test('what the DNS does not give is asked of the system; its word counts where both fail', async () => {
  await using w = await world();
  const { server } = w;
  const asked: string[] = [];
  const names = new SystemNames({
    servers: [server.address],
    lookup: (name) => {
      asked.push(name);
      return name === 'in-a-file.test'
        ? Promise.resolve([{ address: '192.0.2.7', family: 4 }])
        : Promise.reject(Object.assign(new Error('no'), { code: 'EAI_AGAIN' }));
    },
  });
  server.answers.set('in-a-file.test', { rcode: 'NXDOMAIN' });
  const found = await names.resolve('in-a-file.test');
  assert.deepEqual(found, { addresses: ['192.0.2.7'], ttlMs: 5_000 });
  server.answers.set('nowhere.test', { rcode: 'NXDOMAIN' });
  await assert.rejects(names.resolve('nowhere.test'), { code: 'name_unknown' });
  assert.deepEqual(asked, ['in-a-file.test', 'nowhere.test']);
  await assert.rejects(names.resolve('short'), { code: 'name_unavailable' });
  names.close();
});

test('close ends what is under way', async () => {
  await using w = await world();
  const { names } = w;
  const pending = assert.rejects(names.resolve('silent.example.test'), {
    code: 'name_unavailable',
  });
  names.close();
  await pending;
});
