import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { rawQuery } from '../testdata/raw-query.ts';
import { zonesOptions } from '../testdata/zones-server.ts';
import { ImageBuilder } from '../transfer/zone-image.ts';
import { rcode } from '../wire/codes.ts';
import { decodeMessage } from '../wire/message.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { recordType, typeCode } from '../wire/records/registry.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const primaries = ['10.0.0.9'];
const options = zonesOptions({
  'open.test': { secondary: { primaries } },
  'own.test': {
    records: [
      { name: 'in', type: 'CNAME', values: ['www.open.test.'] },
      { name: 'sub', type: 'A', values: ['192.0.2.1'] },
    ],
  },
});

test('a zone that has not come or has expired is SERVFAIL and why; who is led there goes on alone', () => {
  const expired = { 'open.test': 'expired' as const };
  for (const [transferred, why] of [
    [{}, 14],
    [expired, 24],
  ] as const) {
    const responder = new Responder(compileDnsData({ ...options, transferred }));
    const ask = (name: string, type = 'A') => {
      const query = rawQuery({ name, type, options: [] });
      const output = Buffer.alloc(1_232);
      const origin = new QueryOrigin('udp', '192.0.2.1');
      return decodeMessage(
        output.subarray(0, responder.respond(query, query.length, origin, output)),
      );
    };
    for (const name of ['open.test', 'www.open.test']) {
      const { rcode: code, edns, flags, authority } = ask(name);
      assert.deepEqual([code, edns?.extendedError], [rcode.serverFailure, why]);
      assert.deepEqual([flags.authoritative, authority.length], [false, 0]);
    }
    const { rcode: code, answers } = ask('in.own.test');
    assert.deepEqual([code, answers.map(({ type }) => type)], [rcode.noError, ['CNAME']]);
    assert.equal(ask('sub.own.test').answers.length, 1);
    assert.equal(ask('open.test', 'AXFR').rcode, rcode.refused);
  }
});

type Row = readonly [name: string, type: string, value: string];

function imageOf(zone: string, rows: readonly Row[]) {
  const apex = parseName(zone);
  const builder = new ImageBuilder();
  for (const [name, type, value] of rows) {
    const code = typeCode(type)!;
    const data = rdataBytes(recordType(code)!.parse(value, apex));
    builder.add(parseName(name, apex).wire, code, 60, data);
  }
  const { bytes } = builder.build({ serial: 7, refresh: 1, retry: 1, expire: 1, minimum: 60 });
  return { serial: 7, bytes };
}

const bare: readonly Row[] = [
  ['@', 'SOA', 'ns1 dns 7 3600 600 86400 60'],
  ['@', 'NS', 'ns1'],
];

test('whatever a primary does to a name that is led to from here, all zones are served', () => {
  const led = zonesOptions({
    'open.test': { secondary: { primaries } },
    'own.test': {
      records: [
        { name: 'in', type: 'CNAME', values: ['www.open.test.'] },
        { name: '@', type: 'ALIAS', target: 'in.own.test.' },
        { name: 'again', type: 'ALIAS', target: 'own.test.' },
        { name: 'sub', type: 'A', values: ['192.0.2.1'] },
        { name: 'h', type: 'HTTPS', values: ['1 www.open.test. ipv4hint=auto'] },
        { name: '@', type: 'HTTPS', values: ['1 . ipv4hint=auto ipv6hint=auto'] },
      ],
    },
  });
  for (const [rows, addresses, warning] of [
    [[['www', 'A', '192.0.2.7']], ['192.0.2.7'], /^[^;]*\[5]: ipv6hint=auto: its name has no/],
    [[], [], /\[1]\.target: there is no name www\.open\.test; .*\[2]\.target: .*\[4]: ipv4hint/],
    [[['www', 'TXT', 'x']], [], /www\.open\.test has neither A nor AAAA records/],
    [[['www', 'CNAME', 'own.test.']], [], /lead in a circle/],
    [[['www', 'CNAME', 'www']], [], /lead in a circle/],
    [[['@', 'DNAME', 'x.example.']], [], /elsewhere by the DNAME of open\.test/],
  ] as [Row[], string[], RegExp][]) {
    const warnings: string[] = [];
    const transferred = { 'open.test': imageOf('open.test', [...bare, ...rows]) };
    const onWarning = (sentence: string) => void warnings.push(sentence);
    const responder = new Responder(compileDnsData({ ...led, transferred, onWarning }));
    const ask = (name: string, type = 'A') => {
      const query = rawQuery({ name, type, options: [] });
      const output = Buffer.alloc(1_232);
      const origin = new QueryOrigin('udp', '192.0.2.1');
      const end = responder.respond(query, query.length, origin, output);
      const { rcode: code, answers } = decodeMessage(output.subarray(0, end));
      return [code, ...answers.map(({ data }) => data)];
    };
    assert.deepEqual(ask('sub.own.test'), [0, '192.0.2.1']);
    assert.deepEqual(ask('own.test'), [0, ...addresses]);
    assert.deepEqual(ask('again.own.test'), [0, ...addresses]);
    const hint = addresses.map((address) => ` ipv4hint=${address}`).join('');
    assert.deepEqual(ask('h.own.test', 'HTTPS'), [0, `1 www.open.test${hint}`]);
    assert.deepEqual(ask('own.test', 'HTTPS'), [0, `1 .${hint}`]);
    assert.match(warnings.join(), warning);
    assert.equal(warnings.length, 1);
  }
});

test('a zone from elsewhere that is signed here has our keys, and answers are signed', () => {
  const there = imageOf('example.test', [
    ...bare,
    ['@', 'DNSKEY', `257 3 13 ${Buffer.alloc(64, 1).toString('base64')}`],
    ['www', 'A', '192.0.2.1'],
  ]);
  const zoneKeys = { 'example.test': formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
  const secondary = { secondary: { primaries }, dnssec: { keys: 'file' } };
  const signed = zonesOptions({ 'example.test': secondary });
  const transferred = { 'example.test': there };
  const responder = new Responder(compileDnsData({ ...signed, zoneKeys, transferred }));
  const ask = (name: string, type: string) => {
    const query = rawQuery({ name, type, options: [], dnssecOk: true });
    const output = Buffer.alloc(1_232);
    const origin = new QueryOrigin('udp', '192.0.2.1');
    const end = responder.respond(query, query.length, origin, output);
    return decodeMessage(output.subarray(0, end)).answers;
  };
  assert.deepEqual(
    ask('www.example.test', 'A').map(({ type }) => type),
    ['A', 'TYPE46'],
  );
  const keys = ask('example.test', 'DNSKEY').filter(({ type }) => type === 'DNSKEY');
  assert.equal(keys.length, 1);
  assert.doesNotMatch(keys[0]!.data, /AQEBAQ/);
  assert.match(ask('example.test', 'SOA')[0]!.data, / 7 3600 600 86400 60$/);
});
