import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { requireCommand } from '../../../test/support/requirements.ts';
import { type Resolver, startUnbound } from '../../../test/support/unbound.ts';
import { healthy, unhealthy } from '../../health/table.ts';
import { CounterBlock } from '../../observability/counter-block.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { createDnsServer, type DnsServer } from '../server/server.ts';
import { createExchange } from '../testdata/exchange.ts';
import { ds } from '../wire/records/numbered-octets.ts';
import { nextStep } from './rollover.ts';
import { formatZoneKeys, type KeyRole, ZoneKey } from './zone-key.ts';

const zone = 'signed.test';
const noError = 0;

const exchange = createExchange({
  [zone]: {
    ttl: '0s',
    soa: { negativeTtl: '0s' },
    dnssec: { keys: 'anywhere' },
    records: [
      { name: 'static', type: 'A', values: ['192.0.2.1'] },
      { name: '@', type: 'MX', values: ['10 static'] },
      { name: 'rates', type: 'A', routing: 'latency', service: 'rates' },
      { name: 'closed', type: 'A', routing: 'latency', service: 'rates', lastResort: 'closed' },
      { name: 'follows', type: 'ALIAS', target: 'rates' },
      { name: 'alias', type: 'CNAME', values: ['rates'] },
      { name: 'dangling', type: 'CNAME', values: ['nothing'] },
      { name: '*.wild', type: 'A', values: ['192.0.2.9'] },
      { name: '*.to', type: 'CNAME', values: ['static'] },
      { name: 'old', type: 'DNAME', values: ['wild'] },
      { name: 'a.b.c', type: 'AAAA', values: ['2001:db8::1'] },
    ],
  },
});

type Expected = readonly [name: string, type: string, answers: number];
const questions: readonly Expected[] = [
  ['static', 'A', 1],
  ['static', 'AAAA', 0],
  ['nothing', 'A', 0],
  ['below.static', 'A', 0],
  ['c', 'A', 0],
  ['b.c', 'TXT', 0],
  ['any.wild', 'A', 1],
  ['deep.any.wild', 'A', 1],
  ['any.wild', 'TXT', 0],
  ['any.to', 'A', 2],
  ['any.to', 'TXT', 1],
  ['alias', 'A', 2],
  ['dangling', 'A', 1],
  ['rates', 'A', 1],
  ['follows', 'A', 1],
  ['follows', 'AAAA', 0],
  // Each name once: Unbound takes the alias from what it keeps, and without the DNAME it is bogus.
  ['#.old', 'A', 3],
  ['#.old', 'TXT', 2],
  ['old', 'A', 0],
  ['nothing', 'TYPE47', 1],
];

function queriesOf({ block }: DnsMetrics): number {
  return CounterBlock.sum([block], 'queries').reduce((sum, count) => sum + count, 0);
}

describe('Unbound in front of a signed zone', {
  skip: requireCommand('unbound') ?? requireCommand('unbound-control'),
}, () => {
  let keys: readonly ZoneKey[] = [
    ZoneKey.generate('ksk', 'active'),
    ZoneKey.generate('zsk', 'active'),
  ];
  const metrics = new DnsMetrics();
  let server: DnsServer;
  let resolver: Resolver;

  const options = () => {
    const listen = { host: '127.0.0.1', port: server?.port ?? 0 };
    return { ...exchange.options, ...listen, zoneKeys: { [zone]: formatZoneKeys(keys) } };
  };
  const delegations = (of: readonly ZoneKey[]) =>
    of
      .filter(({ role }) => role === 'ksk')
      .map((key) => key.delegation(Buffer.from(`\x06signed\x04test\0`, 'latin1')).tail)
      .map((tail) => ds.format(tail, 0, tail.length));

  before(async () => {
    server = await createDnsServer({ ...options(), reusePort: false, metrics });
    resolver = await startUnbound(zone, server.port, delegations(keys));
  });
  after(async () => {
    await resolver.close();
    await server.close();
  });

  let asked = 0;
  async function validates(
    [text, type, count]: Expected,
    when: string,
  ): Promise<readonly string[]> {
    const name = text.replace('#', `n${++asked}`);
    const { rcode, isAuthentic, answers } = await resolver.ask(`${name}.${zone}`, type);
    const data = answers.filter((answer) => answer.type !== 'TYPE46').map((answer) => answer.data);
    const found = { rcode, isAuthentic, answers: data.length };
    const expected = { rcode: noError, isAuthentic: true, answers: count };
    assert.deepEqual(found, expected, `${name} ${type}, ${when}: ${data}`);
    return data;
  }

  async function everythingValidates(when: string): Promise<void> {
    const sent = queriesOf(metrics);
    for (const question of questions) await validates(question, when);
    const arrived = queriesOf(metrics) - sent;
    assert.ok(arrived >= questions.length, `${arrived} of ${questions.length} were asked for`);
  }

  test('positive, NODATA, missing name, wildcard and CNAME validate', async () => {
    await everythingValidates('at first');
  });

  test('while health flips, and the answers with it', async () => {
    const { states, topology } = exchange;
    const service = topology.serviceIndex.get('rates')!;
    const local = topology.regionIndex.get('us-east-1')!;
    for (let flip = 0; flip < 6; flip++) {
      const isDown = flip % 2 === 0;
      const state = isDown ? unhealthy : healthy;
      states.setService(service, local, state);
      await everythingValidates(`flip ${flip}`);
      const [address] = await validates(['rates', 'A', 1], `flip ${flip}`);
      assert.equal(address, isDown ? '127.0.2.1' : '127.0.1.1');
      for (const { index } of topology.regions) states.setService(service, index, state);
      await validates(['closed', 'A', isDown ? 0 : 1], `flip ${flip}, all regions`);
      for (const { index } of topology.regions) states.setService(service, index, healthy);
    }
  });

  /** The resolver knows the keys of the step before, which it took in front of the change. */
  async function step(role: KeyRole): Promise<void> {
    keys = nextStep(keys, role).keys;
    const prepared = await server.prepare(options());
    prepared.commit();
    const states = keys.map((key) => `${key.role} ${key.state}`).join(', ');
    await everythingValidates(`keys of before known: ${states}`);
    // What the step waits for: a parent that has taken up our CDS, and caches that forgot.
    await resolver.trust(delegations(keys.filter(({ isDelegatedTo }) => isDelegatedTo)));
    await everythingValidates(`keys of now known: ${states}`);
  }

  for (const role of ['zsk', 'ksk'] as const) {
    test(`at no step of a rollover of the ${role} is an answer bogus`, async () => {
      for (let count = 0; count < 3; count++) await step(role);
    });
  }

  test('keys that the parent does not know make everything bogus', async () => {
    await resolver.trust(delegations([ZoneKey.generate('ksk', 'active')]));
    const { rcode, isAuthentic } = await resolver.ask(`static.${zone}`, 'A');
    assert.deepEqual([rcode, isAuthentic], [2, false]);
  });
});
