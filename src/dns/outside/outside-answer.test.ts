import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LookupAnswer } from '../client.ts';
import { parseName } from '../wire/name.ts';
import { rdataBytes } from '../wire/records/record-type.ts';
import { mostAddresses, readOutsideAnswer } from './outside-answer.ts';

const target = parseName('www.Example.net');

function answer(records: string[], rest: Partial<LookupAnswer> = {}): LookupAnswer {
  const parse = (text: string) => {
    const [name = '', ttl = '', type = '', ...data] = text.split(' ');
    return { name, ttl: Number(ttl), type, data: data.join(' ') };
  };
  return {
    rcode: 'NOERROR',
    flags: { authoritative: false, truncated: false, recursionDesired: true },
    answers: records.map(parse),
    authority: [],
    additional: [],
    ecsScope: undefined,
    extendedError: undefined,
    transport: 'udp',
    tookMs: 1,
    ...rest,
  };
}

const read = (records: string[], rest: Partial<LookupAnswer> = {}) => {
  const found = readOutsideAnswer(target, 1, answer(records, rest));
  return found && [found.ttlSeconds, ...found.records.map((data) => rdataBytes(data).join('.'))];
};

test('addresses, each once and sorted, of the name or of what its aliases lead to', () => {
  assert.deepEqual(read(['www.example.net 60 A 192.0.2.2', 'WWW.example.NET 50 A 192.0.2.1']), [
    50,
    '192.0.2.1',
    '192.0.2.2',
  ]);
  const chain = [
    'www.example.net 40 CNAME a.cdn.example',
    'a.cdn.example 90 CNAME b.cdn.example',
    'b.cdn.example 60 A 192.0.2.3',
    'b.cdn.example 60 A 192.0.2.3',
    'other.example 1 A 192.0.2.66',
  ];
  assert.deepEqual(read(chain), [40, '192.0.2.3']);
  const many = Array.from({ length: 60 }, (_, at) => `www.example.net 9 A 192.0.2.${at}`);
  assert.equal(read(many)?.length, 1 + mostAddresses);
});

test('that there are none is an answer too, for as long as the SOA says', () => {
  const authority = [
    {
      name: 'example.net',
      ttl: 300,
      type: 'SOA',
      data: 'ns.example.net dns.example.net 1 2 3 4 30',
    },
  ];
  assert.deepEqual(read([], { authority }), [30]);
  assert.deepEqual(read([], { authority, rcode: 'NXDOMAIN' }), [30]);
  assert.deepEqual(read(['www.example.net 20 CNAME gone.example'], { authority }), [20]);
  assert.deepEqual(read([]), [60]);
});

test('what tells nothing is no answer', () => {
  for (const rcode of ['SERVFAIL', 'REFUSED', 'FORMERR'])
    assert.equal(read([], { rcode }), undefined);
  const flags = { authoritative: false, truncated: true, recursionDesired: true };
  assert.equal(read(['www.example.net 60 A 192.0.2.1'], { flags }), undefined);
  const referral = [{ name: 'net', ttl: 9, type: 'NS', data: 'a.gtld-servers.net' }];
  assert.equal(read([], { authority: referral }), undefined);
  const circle = ['www.example.net 5 CNAME a.example', 'a.example 5 CNAME www.example.net'];
  assert.deepEqual(read(circle), [5]);
});
