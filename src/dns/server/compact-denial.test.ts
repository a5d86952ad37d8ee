import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { createExchange } from '../testdata/exchange.ts';
import { type RawQuery, rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage, type Message } from '../wire/message.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const zone = 'signed.test';
const { options } = createExchange({
  [zone]: {
    dnssec: { keys: 'anywhere' },
    records: [
      { name: 'www', type: 'A', values: ['192.0.2.1'] },
      { name: 'alias', type: 'CNAME', values: ['www'] },
      { name: 'dangling', type: 'CNAME', values: ['nothing'] },
      { name: 'a.b', type: 'A', values: ['192.0.2.2'] },
      { name: '*.wild', type: 'A', values: ['192.0.2.3'] },
    ],
  },
});
const zoneKeys = { [zone]: formatZoneKeys([ZoneKey.generate('csk', 'active')]) };
const responder = new Responder(compileDnsData({ ...options, zoneKeys }));
const output = Buffer.alloc(65_535);

function ask(name: string, query: RawQuery = {}): Message {
  const bytes = rawQuery({ ...query, name: `${name}.${zone}` });
  const origin = new QueryOrigin('udp', '127.0.0.1');
  const length = responder.respond(bytes, bytes.length, origin, output);
  return decodeMessage(Buffer.from(output.subarray(0, length)));
}

const signed = { options: [], dnssecOk: true } as const;
const compact = { ...signed, compactOk: true } as const;
const [noError, formatError, noName] = [0, 1, 3];
const typesOf = (records: Message['answers']) => records.map(({ type }) => type);
const [nsec, rrsig] = ['TYPE47', 'TYPE46'];

test('NXDOMAIN comes back for who takes it beside a compact denial, and for who asks for no proof', () => {
  for (const name of ['nothing', 'dangling', 'x.www', 'z.b']) {
    const codes = [{}, { options: [] }, { options: [], compactOk: true }, signed, compact].map(
      (query) => ask(name, query).rcode,
    );
    assert.deepEqual(codes, [noName, noName, noName, noError, noName], name);
    assert.deepEqual(typesOf(ask(name, compact).authority), ['SOA', rrsig, nsec, rrsig]);
  }
  for (const name of ['www', 'b', 'x.wild', 'alias']) {
    assert.equal(ask(name, { ...compact, type: 'TXT' }).rcode, noError, name);
  }
});

test('the flag is answered by the flag, and lasts for one query', () => {
  for (const query of [compact, signed, compact, {}, { options: [] }, signed]) {
    const { edns, rcode, authority } = ask('nothing', query);
    assert.deepEqual(
      [edns?.compactOk ?? false, rcode],
      [query === compact, query === signed ? 0 : 3],
    );
    assert.equal(authority.length, 'dnssecOk' in query ? 4 : 1);
  }
});

test('NSEC that is asked for is the answer, of names that do not exist too', () => {
  const bits: [name: string, bits: RegExp][] = [
    ['www', /0006400000000003$/], // A RRSIG NSEC
    ['alias', /0006040000000003$/], // CNAME RRSIG NSEC
    ['b', /0006000000000003$/], // RRSIG NSEC
    ['x.wild', /0006400000000003$/],
    ['nothing', /001100000000000300000000000000000000 80$/], // and NXNAME
  ];
  for (const [name, expected] of bits) {
    const { rcode, answers, authority } = ask(name, { ...compact, type: nsec });
    assert.deepEqual(
      [rcode, typesOf(answers), authority.length],
      [noError, [nsec, rrsig], 0],
      name,
    );
    assert.match(answers[0]!.data, new RegExp(expected.source.replaceAll(' ', '')), name);
    for (let time = 0; time < 2; time++) {
      assert.deepEqual(typesOf(ask(name, { type: nsec }).answers), [nsec], name);
      assert.deepEqual(typesOf(ask(name, { type: rrsig }).answers), [rrsig], name);
    }
  }
});

test('NXNAME is nothing to ask for', () => {
  const { rcode, edns, answers } = ask('www', { ...signed, type: 'TYPE128' });
  assert.deepEqual([rcode, edns?.extendedError, answers.length], [formatError, 30, 0]);
});

test('in a zone without keys NSEC is a type like others', () => {
  const query = rawQuery({ ...compact, name: 'alias.exchange.test', type: nsec });
  const length = responder.respond(query, query.length, new QueryOrigin('udp', '::1'), output);
  const { rcode, answers } = decodeMessage(Buffer.from(output.subarray(0, length)));
  assert.deepEqual([rcode, typesOf(answers)], [noError, ['CNAME']]);
});
