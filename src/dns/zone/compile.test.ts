import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileTopology } from '../../config/topology.ts';
import { createExchange } from '../testdata/exchange.ts';
import { parseName } from '../wire/name.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import { formatRdata, typeCode } from '../wire/records/registry.ts';
import { compileZones } from './compile.ts';
import { type RecordSet, setOfType, type Zone } from './zone.ts';

function compile(zones: Parameters<typeof createExchange>[0] = {}, serial = 7) {
  const { config, topology } = createExchange(zones);
  return compileZones(config, topology, serial);
}

function zoneOf(zones: ReturnType<typeof compile>, apex: string): Zone {
  const zone = zones.find(parseName(apex).key);
  assert.ok(zone);
  return zone;
}

function find(zone: Zone, name: string, type: string): RecordSet | undefined {
  const node = zone.node(parseName(name).key);
  return node && setOfType(node, typeCode(type)!);
}

function text({ type, records }: RecordSet): string[] {
  return records.map(({ names, tail }: Rdata) => {
    const bytes = Buffer.concat([...names.map(({ wire }) => wire), tail]);
    return formatRdata(type, bytes, 0, bytes.length);
  });
}

test('SOA, name servers and their addresses of regions that serve', () => {
  const zone = zoneOf(compile(), 'exchange.test');
  assert.deepEqual(text(zone.soa), [
    'ns-us-east-1.exchange.test hostmaster.exchange.test 7 3600 300 604800 5',
  ]);
  assert.equal(zone.negativeTtlSeconds, 5);
  assert.deepEqual(text(find(zone, 'exchange.test', 'NS')!), [
    'ns-us-east-1.exchange.test',
    'ns-eu-west-1.exchange.test',
    'ns-ap-southeast-1.exchange.test',
  ]);
  assert.deepEqual(text(find(zone, 'ns-eu-west-1.exchange.test', 'A')!), ['127.0.2.1']);
  assert.equal(zone.node(parseName('ns-witness-1.exchange.test').key), undefined);
});

test('name servers and hostmaster of one’s own', () => {
  const zones = compile({
    'own.test': {
      ttl: '2h',
      nameservers: ['ns1', 'ns.example.net'],
      soa: { hostmaster: 'dns.team@example.net', negativeTtl: '2h' },
      records: [{ name: 'ns1', type: 'A', values: ['192.0.2.1'] }],
    },
    'spelled.test': { records: [{ name: '@', type: 'NS', values: ['ns.example.net.'] }] },
  });
  const own = zoneOf(zones, 'own.test');
  assert.deepEqual(text(find(own, 'own.test', 'NS')!), ['ns1.own.test', 'ns.example.net']);
  assert.deepEqual(text(own.soa), ['ns1.own.test dns\\.team.example.net 7 3600 300 604800 7200']);
  assert.equal(own.negativeTtlSeconds, 3_600, 'min(SOA TTL, SOA minimum)');
  assert.equal(find(own, 'ns1.own.test', 'A')?.ttlSeconds, 7_200);
  assert.equal(own.node(parseName('ns-us-east-1.own.test').key), undefined);
  const spelled = zoneOf(zones, 'spelled.test');
  assert.match(text(spelled.soa)[0]!, /^ns\.example\.net /);
  assert.deepEqual(text(find(spelled, 'spelled.test', 'NS')!), ['ns.example.net']);
});

test('a latency set without answers: the regions that serve the service', () => {
  const { config } = createExchange();
  const only = structuredClone(config);
  only.services.rates!.endpoints = { 'eu-west-1': [{ address: '127.0.2.1:7001', weight: 1 }] };
  const zone = zoneOf(compileZones(only, compileTopology(only), 1), 'exchange.test');
  const set = find(zone, 'rates.exchange.test', 'A')?.steering?.set;
  assert.deepEqual(set?.answers, [{ region: 1, weight: 1, role: undefined }]);
  assert.equal(set?.evaluate, 'service');
  assert.equal(set?.service, 0);
});

test('`evaluate: service` without a service means the gateway alone', () => {
  const zones = compile({
    'plain.test': { records: [{ name: 'www', type: 'A', routing: 'latency' }] },
  });
  const steering = find(zoneOf(zones, 'plain.test'), 'www.plain.test', 'A')?.steering;
  assert.equal(steering?.set.evaluate, 'gateway');
  assert.equal(steering?.set.service, -1);
  assert.deepEqual(
    steering?.records.map((records) => records.map(({ tail }) => tail.join('.'))),
    [['127.0.1.1'], ['127.0.2.1'], ['127.0.3.1']],
  );
});

test('every problem of all zones at once, each with its place', () => {
  const zones = {
    'bad.test': {
      nameservers: ['a..b'],
      records: [
        { name: 'a', type: 'A', values: ['192.0.2.1', 'nonsense'] },
        { name: 'c', type: 'CNAME', values: ['x.bad.test'] },
        { name: 'd', type: 'CNAME', values: ['e'] },
        { name: 'd', type: 'A', values: ['192.0.2.1'] },
        { name: '@', type: 'CNAME', values: ['e'] },
        { name: 'f', type: 'AAAA', answers: [{ region: 'eu-west-1' }] },
        { name: 'g', type: 'A' },
        { name: 'h', type: 'A', answers: [{ region: 'nowhere' }] },
        { name: 'i', type: 'A', routing: 'latency', service: 'nothing' },
        { name: 'a', type: 'A', values: ['192.0.2.3'] },
      ],
    },
    'worse..test': {},
  } satisfies Parameters<typeof createExchange>[0];
  assert.throws(
    () => compile(zones),
    ({ code, details }: { code: string; details: { problems: { path: string }[] } }) => {
      assert.equal(code, 'bad_zone');
      const records = 'zones["bad.test"].records';
      assert.deepEqual(details.problems.map(({ path }) => path).sort(), [
        'zones["bad.test"].nameservers[0]',
        `${records}[0].values[1]`,
        `${records}[1].values[0]`,
        `${records}[3]`,
        `${records}[4]`,
        `${records}[5].answers[0]`,
        `${records}[6]`,
        `${records}[7].answers[0].region`,
        `${records}[8].service`,
        `${records}[9]`,
        'zones["worse..test"]',
      ]);
      return true;
    },
  );
});

test('data that several answers share is one object, so that it is given once', () => {
  const zone = zoneOf(compile(), 'exchange.test');
  const steering = find(zone, 'both.exchange.test', 'A')!.steering!;
  assert.equal(steering.overlapping, true);
  assert.equal(steering.records[0]![1], steering.records[1]![0]);
  assert.equal(find(zone, 'rates.exchange.test', 'A')!.steering!.overlapping, false);
});
