import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseName } from '../name.ts';
import { recordType, recordTypes, typeCode, typeName } from './registry.ts';

const origin = parseName('exchange.test');

function encode(type: string, text: string): Buffer {
  const { names, tail } = recordType(typeCode(type)!)!.parse(text, origin);
  return Buffer.concat([...names.map(({ wire }) => wire), tail]);
}

function roundTrip(type: string, text: string): string {
  const bytes = encode(type, text);
  return recordType(typeCode(type)!)!.format(bytes, 0, bytes.length);
}

test('text to wire to text', () => {
  const golden: [type: string, text: string, back: string][] = [
    ['A', '192.0.2.1', '192.0.2.1'],
    ['AAAA', '2001:DB8:0:0::1', '2001:db8::1'],
    ['AAAA', '::ffff:192.0.2.1', '::ffff:c000:201'],
    ['CNAME', 'rates', 'rates.exchange.test'],
    ['CNAME', 'www.example.com.', 'www.example.com'],
    ['CNAME', '@', 'exchange.test'],
    ['NS', 'ns1.infra', 'ns1.infra.exchange.test'],
    ['TXT', 'v=spf1 include:a -all', '"v=spf1 include:a -all"'],
    ['TXT', '"a b"  "c\\"d" "\\200e"', '"a b" "c\\"d" "\\200e"'],
    ['TXT', 'é', '"\\195\\169"'],
    ['TXT', '""', '""'],
    ['TXT', 'x'.repeat(300), `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
    ['HINFO', '"RFC8482" ""', '"RFC8482" ""'],
    ['SOA', 'ns1 dns.example.com. 7 1 2 3 4', 'ns1.exchange.test dns.example.com 7 1 2 3 4'],
  ];
  for (const [type, text, back] of golden)
    assert.equal(roundTrip(type, text), back, `${type} ${text}`);
});

test('text that is no data of its type', () => {
  const bad: [type: string, text: string][] = [
    ['A', '192.0.2'],
    ['A', '192.0.2.256'],
    ['A', '192.0.2.01'],
    ['A', '::1'],
    ['AAAA', '192.0.2.1'],
    ['AAAA', 'fe80::1%eth0'],
    ['CNAME', 'rates.exchange.test'],
    ['NS', 'exchange.test'],
    ['TXT', '"a'],
    ['TXT', '"a" b'],
    ['TXT', '"\\256"'],
    ['TXT', `"${'x'.repeat(256)}"`],
    ['TXT', 'x'.repeat(70_000)],
    ['HINFO', '"one"'],
    ['SOA', 'ns1 dns 1 2 3 4'],
    ['SOA', 'ns1 dns 1 2 3 4 4294967296'],
  ];
  for (const [type, text] of bad) {
    assert.throws(
      () => encode(type, text),
      { code: 'bad_record_data' },
      `${type} ${text.slice(0, 40)}`,
    );
  }
  assert.throws(() => encode('CNAME', 'a..b'), { code: 'bad_name' });
});

test('wire data of a wrong length is malformed', () => {
  for (const type of recordTypes) {
    const bytes = Buffer.from('ff'.repeat(7), 'hex');
    assert.throws(() => type.format(bytes, 0, bytes.length), { code: 'bad_message' }, type.name);
    assert.throws(() => type.format(bytes, 0, 0), { code: 'bad_message' }, type.name);
  }
});

test('types by name and number', () => {
  assert.equal(typeCode('aaaa'), 28);
  assert.equal(typeCode('ANY'), 255);
  assert.equal(typeCode('TYPE65'), 65);
  assert.equal(typeCode('TYPE65536'), undefined);
  assert.equal(typeCode('NOPE'), undefined);
  assert.equal(typeName(28), 'AAAA');
  assert.equal(typeName(252), 'AXFR');
  assert.equal(typeName(999), 'TYPE999');
});
