import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { lookup } from '../client.ts';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { explainDns } from '../explain.ts';
import { createDnsServer, type DnsServerOptions } from '../server/server.ts';
import { createExchange } from '../testdata/exchange.ts';
import { optionOf, rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage } from '../wire/message.ts';

const listen = { host: '127.0.0.1', port: 0, reusePort: false };

/** A server that stands for a resolver: what it is asked lies in its zone. */
function resolverOptions(address: string) {
  const { options } = createExchange({
    'cdn.test': {
      records: [
        { name: 'www', type: 'CNAME', ttl: '100s', values: ['edge'] },
        { name: 'edge', type: 'A', ttl: '40s', values: [address] },
      ],
    },
  });
  return { ...options, ...listen };
}

function servingOptions(resolver: number): Omit<DnsServerOptions, 'metrics'> {
  const zone = 'apex.test';
  const { options } = createExchange({
    [zone]: {
      dnssec: { keys: 'anywhere' },
      records: [
        { name: '@', type: 'ALIAS', target: 'www.cdn.test.' },
        { name: 'brief', type: 'ALIAS', ttl: '7s', target: 'www.cdn.test.' },
        { name: 'alias', type: 'CNAME', values: ['@'] },
        { name: '@', type: 'MX', values: ['10 mail.example.com.'] },
        { name: '@', type: 'HTTPS', values: ['1 . ipv4hint=auto'] },
      ],
    },
  });
  const dns = configSchema.shape.dns.parse({ resolver: { servers: [`127.0.0.1:${resolver}`] } });
  const config = { ...options.config, dns };
  const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
  return { ...options, ...listen, config, zoneKeys };
}

async function ask(port: number, name: string, type: string, dnssecOk = false) {
  const socket = createSocket('udp4');
  socket.send(rawQuery({ name, type, options: [], dnssecOk }), port, '127.0.0.1');
  const [bytes] = (await once(socket, 'message')) as [Buffer];
  socket.close();
  const { rcode, answers } = decodeMessage(bytes);
  const data = answers.map((record) => `${record.type} ${record.ttl} ${record.data.slice(0, 20)}`);
  const why = optionOf(bytes, 15)?.readUInt16BE(0);
  return [rcode, ...data, ...(why === undefined ? [] : [`extended error ${why}`])].join(', ');
}

test('the apex has the addresses of a name outside: fresh, then stale, never in the way of a query', async (t) => {
  const clock = new ManualClock();
  const metrics = new DnsMetrics();
  const resolver = await createDnsServer({ ...resolverOptions('192.0.2.1'), metrics });
  t.after(() => resolver.close());
  const options = servingOptions(resolver.port);
  const server = await createDnsServer({ ...options, metrics, clock });
  t.after(() => server.close());
  const apex = () => ask(server.port, 'apex.test', 'A');
  await eventually('the first answer', async () => (await apex()).startsWith('0'));
  assert.equal(await apex(), '0, A 40 192.0.2.1');
  assert.equal(await ask(server.port, 'brief.apex.test', 'A'), '0, A 7 192.0.2.1');
  assert.equal(
    await ask(server.port, 'alias.apex.test', 'A'),
    '0, CNAME 10 apex.test, A 40 192.0.2.1',
  );
  assert.equal(await ask(server.port, 'apex.test', 'HTTPS'), '0, HTTPS 10 1 . ipv4hint=192.0.2');
  await eventually('that there is no other', async () => {
    return (await ask(server.port, 'apex.test', 'AAAA')) === '0';
  });
  assert.match(await ask(server.port, 'apex.test', 'A', true), /^0, A 40 192.0.2.1, TYPE46 40 /);

  const changed = await resolver.prepare({ ...resolverOptions('192.0.2.2'), port: resolver.port });
  changed.commit();
  assert.equal(await apex(), '0, A 40 192.0.2.1');
  clock.advance(31_000);
  await eventually('the other address', async () => (await apex()) === '0, A 40 192.0.2.2');

  await resolver.close();
  clock.advance(39_000);
  assert.equal(await apex(), '0, A 40 192.0.2.2');
  clock.advance(2_000);
  assert.equal(await apex(), '0, A 30 192.0.2.2, extended error 3');
  clock.advance(72 * 3_600_000);
  assert.equal(await apex(), '2, extended error 14');
  const at = { server: '127.0.0.1', port: server.port, timeoutMs: 60_000 };
  assert.equal((await lookup({ ...at, name: 'apex.test', type: 'MX' })).rcode, 'NOERROR');
});

test('before the first answer it is SERVFAIL at once, and `explain` says who is asked', async (t) => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  t.after(() => silent.close());
  const options = servingOptions(silent.address().port);
  const server = await createDnsServer({ ...options, metrics: new DnsMetrics() });
  t.after(() => server.close());
  assert.equal(await ask(server.port, 'apex.test', 'A'), '2, extended error 14');
  assert.equal(await ask(server.port, 'alias.apex.test', 'A'), '2, extended error 14');
  const { rule, answers } = explainDns(options, 'apex.test', 'A', '192.0.2.1');
  assert.match(rule, /outside of the zones here: name servers ask a resolver/);
  assert.deepEqual(answers, []);
});
