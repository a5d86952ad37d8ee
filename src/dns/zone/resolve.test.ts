import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExchange } from '../testdata/exchange.ts';
import { parseName } from '../wire/name.ts';
import { typeCode, typeName } from '../wire/records/registry.ts';
import { compileZones } from './compile.ts';
import { type Resolution, resolve } from './resolve.ts';

const { config, topology } = createExchange({
  'deep.exchange.test': { records: [{ name: 'a.b', type: 'A', values: ['192.0.2.5'] }] },
  'wild.test': {
    records: [
      { name: '*', type: 'A', values: ['192.0.2.1'] },
      { name: 'sub.host', type: 'TXT', values: ['x'] },
      { name: '*.alias', type: 'CNAME', values: ['host'] },
    ],
  },
});
const zones = compileZones(config, topology, 1);

function ask(name: string, type = 'A', answers: number[] = [0], scopeBits = 0): Resolution {
  const choice = { answers, scopeBits, rule: 'test' };
  return resolve(zones, parseName(name).key, typeCode(type)!, () => choice);
}

/** `outcome: owner TYPE×records, …` */
function summary({ outcome, steps }: Resolution): string {
  const texts = steps.map(
    ({ owner, set, records }) => `${owner ?? '='} ${typeName(set.type)}×${records.length}`,
  );
  return [`${outcome}:`, ...texts].join(' ');
}

test('what each question comes to', () => {
  const golden: [name: string, type: string, expected: string][] = [
    ['static.exchange.test', 'A', 'answer: = A×2'],
    ['STATIC.Exchange.test', 'A', 'answer: = A×2'],
    ['static.exchange.test', 'AAAA', 'noData:'],
    ['exchange.test', 'SOA', 'answer: = SOA×1'],
    ['exchange.test', 'A', 'noData:'],
    ['nope.exchange.test', 'A', 'noName:'],
    ['x.static.exchange.test', 'A', 'noName:'],
    ['b.c.exchange.test', 'A', 'noData:'],
    ['example.com', 'A', 'refused:'],
    ['test', 'A', 'refused:'],
    ['.', 'NS', 'refused:'],
    ['xexchange.test', 'A', 'refused:'],
    ['alias.exchange.test', 'A', 'answer: = CNAME×1 rates.exchange.test A×1'],
    [
      'far.exchange.test',
      'A',
      'answer: = CNAME×1 alias.exchange.test CNAME×1 rates.exchange.test A×1',
    ],
    ['alias.exchange.test', 'CNAME', 'answer: = CNAME×1'],
    ['alias.exchange.test', 'ANY', 'answer: = CNAME×1'],
    ['alias.exchange.test', 'AAAA', 'noData: = CNAME×1'],
    ['out.exchange.test', 'A', 'answer: = CNAME×1'],
    ['other.exchange.test', 'A', 'answer: = CNAME×1 www.second.test A×1'],
    ['dangling.exchange.test', 'A', 'noName: = CNAME×1'],
    ['loop-a.exchange.test', 'A', 'answer: = CNAME×1 loop-b.exchange.test CNAME×1'],
    ['static.exchange.test', 'ANY', 'answer: = HINFO×1'],
    ['b.c.exchange.test', 'ANY', 'noData:'],
  ];
  for (const [name, type, expected] of golden) {
    assert.equal(summary(ask(name, type)), expected, `${name} ${type}`);
  }
});

test('wildcards by RFC 4592: only for the closest encloser, never for what exists', () => {
  const golden: [name: string, type: string, expected: string][] = [
    ['x.wild.test', 'A', 'answer: = A×1'],
    ['x.y.z.wild.test', 'A', 'answer: = A×1'],
    ['x.wild.test', 'TXT', 'noData:'],
    ['*.wild.test', 'A', 'answer: = A×1'],
    ['host.wild.test', 'A', 'noData:'],
    ['sub.host.wild.test', 'A', 'noData:'],
    ['other.host.wild.test', 'A', 'noName:'],
    ['x.alias.wild.test', 'A', 'noData: = CNAME×1'],
    ['x.wild.exchange.test', 'A', 'answer: = A×1'],
    ['exists.wild.exchange.test', 'A', 'noData:'],
    ['x.exists.wild.exchange.test', 'A', 'noName:'],
    ['wild.exchange.test', 'A', 'noData:'],
  ];
  for (const [name, type, expected] of golden) {
    assert.equal(summary(ask(name, type)), expected, `${name} ${type}`);
  }
});

test('a zone within a zone answers for its names', () => {
  assert.equal(ask('a.b.deep.exchange.test').zone?.apex.toString(), 'deep.exchange.test');
  assert.equal(summary(ask('nope.deep.exchange.test')), 'noName:');
  assert.equal(ask('deep.exchange.test', 'SOA').zone?.apex.toString(), 'deep.exchange.test');
});

test('below a cut another server is authoritative', () => {
  for (const [name, type] of [
    ['lab.exchange.test', 'A'],
    ['lab.exchange.test', 'NS'],
    ['x.y.lab.exchange.test', 'A'],
    ['ns1.lab.exchange.test', 'A'],
  ] as const) {
    const resolution = ask(name, type);
    assert.equal(summary(resolution), 'referral:', `${name} ${type}`);
    assert.equal(resolution.cut?.name.toString(), 'lab.exchange.test');
  }
  assert.equal(summary(ask('lab.exchange.test', 'TYPE43')), 'noData:', 'DS is with the parent');
});

test('what steering chose: nothing, several, shared data once, the longest scope', () => {
  assert.equal(summary(ask('rates.exchange.test', 'A', [])), 'noData: = A×0');
  assert.equal(
    summary(ask('alias.exchange.test', 'A', [])),
    'noData: = CNAME×1 rates.exchange.test A×0',
  );
  assert.equal(summary(ask('both.exchange.test', 'A', [0, 1])), 'answer: = A×3');
  assert.equal(summary(ask('both.exchange.test', 'A', [1])), 'answer: = A×2');
  assert.equal(ask('far.exchange.test', 'A', [0], 20).scopeBits, 20);
  assert.equal(ask('static.exchange.test', 'A', [0], 20).scopeBits, 0);
});

test('a chain of aliases ends, however long it is', () => {
  const records = Array.from({ length: 40 }, (_, i) => ({
    name: `a${i}`,
    type: 'CNAME' as const,
    values: [`a${i + 1}`],
  }));
  const { config: long, topology: same } = createExchange({ 'long.test': { records } });
  const chain = resolve(compileZones(long, same, 1), parseName('a0.long.test').key, 1, () => {
    throw new Error('nothing to steer');
  });
  assert.equal(chain.outcome, 'answer');
  assert.equal(chain.steps.length, 17);
});
