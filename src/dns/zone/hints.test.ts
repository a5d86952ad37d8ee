import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthy, unhealthy } from '../../health/table.ts';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { compileDnsData } from '../server/data.ts';
import { QueryOrigin } from '../server/query-origin.ts';
import { Responder } from '../server/responder.ts';
import { createExchange } from '../testdata/exchange.ts';
import { type RawQuery, rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage, type Message } from '../wire/message.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { compileZones } from './compile.ts';
import { renderSets } from './render.ts';

const zone = 'hints.test';
const exchange = createExchange({
  [zone]: {
    dnssec: { keys: 'anywhere' },
    records: [
      { name: 'api', type: 'A', routing: 'latency', service: 'rates' },
      { name: 'api', type: 'AAAA', values: ['2001:db8::2', '2001:db8::1'] },
      { name: 'api', type: 'HTTPS', values: ['1 . alpn=h2 ipv4hint=auto ipv6hint=auto port=8443'] },
      { name: 'other', type: 'HTTPS', values: ['1 api ipv4hint=auto'] },
      { name: 'closed', type: 'A', routing: 'latency', service: 'rates', lastResort: 'closed' },
      { name: 'closed', type: 'HTTPS', values: ['1 . alpn=h2 ipv4hint=auto'] },
      { name: '*.wild', type: 'A', values: ['192.0.2.9'] },
      { name: '*.wild', type: 'HTTPS', values: ['1 . ipv4hint=auto'] },
      {
        name: 'steered',
        type: 'HTTPS',
        routing: 'failover',
        evaluate: 'gateway',
        answers: [
          { region: 'eu-west-1', role: 'primary', values: ['1 api port=1 ipv4hint=auto'] },
          { region: 'us-east-1', role: 'secondary', values: ['1 api port=2 ipv4hint=auto'] },
        ],
      },
    ],
  },
});
const { states, topology, options } = exchange;
const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
const data = compileDnsData({ ...options, zoneKeys });
const responder = new Responder(data);
const output = Buffer.alloc(65_535);

type Options = NonNullable<RawQuery['options']>;

function ask(
  name: string,
  address: string,
  type = 'HTTPS',
  dnssecOk = false,
  options: Options = [],
): Message {
  const query = rawQuery({ name: `${name}.${zone}`, type, dnssecOk, options });
  const length = responder.respond(query, query.length, new QueryOrigin('tcp', address), output);
  return decodeMessage(Buffer.from(output.subarray(0, length)));
}

const datum = (name: string, address = '81.2.69.1') => ask(name, address).answers[0]?.data;
const service = topology.serviceIndex.get('rates')!;
const setAll = (state: typeof healthy | typeof unhealthy) => {
  for (const { index } of topology.regions) states.setService(service, index, state);
};

test('hints are what the addresses are, for each client and while health flips', () => {
  const parameters = (ipv4: string) =>
    `1 . alpn="h2" port=8443 ipv4hint=${ipv4} ipv6hint=2001:db8::1,2001:db8::2`;
  const addressFor = (client: string) => ask('api', client, 'A').answers[0]!.data;
  for (let flip = 0; flip < 3; flip++) {
    for (const client of ['81.2.69.1', '1.1.1.1', '192.0.2.7']) {
      assert.equal(datum('api', client), parameters(addressFor(client)), client);
      assert.equal(datum('other', client), `1 api.${zone} ipv4hint=${addressFor(client)}`);
    }
    assert.notEqual(addressFor('81.2.69.1'), addressFor('1.1.1.1'));
    const [region] = flip === 0 ? ['eu-west-1'] : ['us-east-1'];
    states.setService(service, topology.regionIndex.get(region!)!, unhealthy);
    assert.equal(datum('api'), parameters(addressFor('81.2.69.1')));
    if (flip === 0) assert.equal(datum('api'), parameters('127.0.1.1'));
    setAll(healthy);
  }
});

test('hints are for as many clients as the addresses', () => {
  const london: Options = [[8, Buffer.of(0, 1, 24, 0, 81, 2, 69)]];
  const scope = (type: string) => ask('api', '::1', type, false, london).edns?.subnet?.scopeBits;
  assert.equal(scope('A'), 16);
  assert.equal(scope('HTTPS'), 16);
});

test('who takes the zone whole gets them filled in', () => {
  const hints = [...data.zones].find(({ apex }) => apex.toString() === zone)!;
  const first = () => ({ answers: [0], rule: '', scopeBits: 0 });
  const texts = [...renderSets(hints, first)]
    .filter(({ owner, type }) => type === 65 && owner.toString() === `other.${zone}`)
    .map(({ records }) => rdataBytes(records[0]!).toString('hex'));
  assert.deepEqual(texts, [
    `0001${Buffer.from('\x03api\x05hints\x04test\0').toString('hex')}000400047f000101`,
  ]);
});

test('without an address there is no hint; a wildcard stands for its own', () => {
  assert.equal(datum('closed'), '1 . alpn="h2" ipv4hint=127.0.2.1');
  setAll(unhealthy);
  assert.equal(datum('closed'), '1 . alpn="h2"');
  setAll(healthy);
  assert.equal(datum('any.wild'), '1 . ipv4hint=192.0.2.9');
});

test('the record may be steered too', () => {
  assert.equal(datum('steered'), `1 api.${zone} port=1 ipv4hint=127.0.2.1`);
  states.setGateway(topology.regionIndex.get('eu-west-1')!, unhealthy);
  assert.equal(datum('steered'), `1 api.${zone} port=2 ipv4hint=127.0.1.1`);
  states.setGateway(topology.regionIndex.get('eu-west-1')!, healthy);
});

test('the same hints have one signature, others another', () => {
  const { signer } = [...data.zones].find(({ apex }) => apex.toString() === zone)!;
  ask('api', '81.2.69.1', 'HTTPS', true);
  const before = signer!.made;
  for (let time = 0; time < 3; time++) ask('api', '81.2.69.1', 'HTTPS', true);
  assert.equal(signer!.made, before);
  ask('api', '1.1.1.1', 'HTTPS', true);
  assert.equal(signer!.made, before + 1);
});

test('hints of what has no addresses here are refused, with their place', () => {
  const records = [
    { name: 'a', type: 'HTTPS' as const, values: ['1 . ipv4hint=auto'] },
    { name: 'b', type: 'A' as const, values: ['192.0.2.1'] },
    { name: 'b', type: 'SVCB' as const, values: ['1 . ipv4hint=auto ipv6hint=auto'] },
    { name: 'c', type: 'HTTPS' as const, values: ['1 www.example.com. ipv4hint=auto'] },
  ];
  const { config, topology: same } = createExchange({ 'bad.test': { records } });
  assert.throws(() => compileZones(config, same, 1), {
    message: [
      'zones["bad.test"].records[0]: ipv4hint=auto: its name has no record set of type A here',
      'zones["bad.test"].records[2]: ipv6hint=auto: its name has no record set of type AAAA here',
      'zones["bad.test"].records[3]: ipv4hint=auto: www.example.com has no record set of type A here',
    ].join('\n'),
  });
});
