import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatZoneKeys, ZoneKey } from '../dnssec/zone-key.ts';
import { createExchange } from '../testdata/exchange.ts';
import { rawQuery } from '../testdata/raw-query.ts';
import { decodeMessage, type MessageRecord } from '../wire/message.ts';
import { compileDnsData } from './data.ts';
import { QueryOrigin } from './query-origin.ts';
import { Responder } from './responder.ts';

const dnssec = { keys: 'anywhere' };
const { options } = createExchange({
  'one.test': {
    dnssec,
    records: [
      { name: 'plain', type: 'CNAME', values: ['www.second.test.'] },
      { name: 'signed', type: 'CNAME', values: ['www.two.test.'] },
      { name: 'away', type: 'CNAME', values: ['www.example.com.'] },
    ],
  },
  'two.test': { dnssec, records: [{ name: 'www', type: 'A', values: ['192.0.2.2'] }] },
});
const keys = { one: ZoneKey.generate('csk', 'active'), two: ZoneKey.generate('csk', 'active') };
const zoneKeys = {
  'one.test': formatZoneKeys([keys.one]),
  'two.test': formatZoneKeys([keys.two]),
};
const responder = new Responder(compileDnsData({ ...options, zoneKeys }));
const output = Buffer.alloc(65_535);

/** `www.two.test A`, and of a signature its owner, the type that it covers and its key. */
function answersOf(name: string): string[] {
  const query = rawQuery({ name, options: [], dnssecOk: true });
  const origin = new QueryOrigin('udp', '127.0.0.1');
  const length = responder.respond(query, query.length, origin, output);
  return decodeMessage(Buffer.from(output.subarray(0, length))).answers.map(described);
}

function described({ name, type, data }: MessageRecord): string {
  if (type !== 'TYPE46') return `${name} ${type}`;
  const octets = Buffer.from(data.split(' ').at(-1)!, 'hex');
  const tag = octets.readUInt16BE(16);
  const key = tag === keys.one.tag ? 'one' : tag === keys.two.tag ? 'two' : tag;
  return `${name} signature of ${octets.readUInt16BE(0)} by ${key}`;
}

test('each step of a chain over zones is signed by the keys of its own zone, or by none', () => {
  const alias = (name: string) => [`${name} CNAME`, `${name} signature of 5 by one`];
  assert.deepEqual(answersOf('plain.one.test'), [...alias('plain.one.test'), 'www.second.test A']);
  assert.deepEqual(answersOf('signed.one.test'), [
    ...alias('signed.one.test'),
    'www.two.test A',
    'www.two.test signature of 1 by two',
  ]);
  assert.deepEqual(answersOf('away.one.test'), alias('away.one.test'));
});
