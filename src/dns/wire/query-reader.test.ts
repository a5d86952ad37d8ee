import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex, oracle } from '../testdata/exchange.ts';
import { rcode } from './codes.ts';
import { parseName } from './name.ts';
import { QueryReader, silent } from './query-reader.ts';

const question = '01 61 00 0001 0001';
const opt = '00 0029 04d0 00000000 0000';

const verdicts: [what: string, bytes: string, verdict: number][] = [
  ['nothing', '', silent],
  ['11 bytes', 'abcd 0000 0001 0000 0000 00', silent],
  ['a response', `abcd 8000 0001 0000 0000 0000 ${question}`, silent],
  ['a query', `abcd 0000 0001 0000 0000 0000 ${question}`, rcode.noError],
  ['with EDNS', `abcd 0000 0001 0000 0000 0001 ${question} ${opt}`, rcode.noError],
  ['a header only', 'abcd 0000 0000 0000 0000 0000', rcode.formatError],
  ['a question that is not there', 'abcd 0000 0001 0000 0000 0000', rcode.formatError],
  ['two questions', `abcd 0000 0002 0000 0000 0000 ${question} ${question}`, rcode.formatError],
  ['a cut off type', 'abcd 0000 0001 0000 0000 0000 01 61 00 00', rcode.formatError],
  ['a looping name', 'abcd 0000 0001 0000 0000 0000 c00c 0001 0001', rcode.formatError],
  [
    'an answer',
    `abcd 0000 0001 0001 0000 0000 ${question} c00c 0001 0001 00000000 0000`,
    rcode.formatError,
  ],
  ['bytes left', `abcd 0000 0001 0000 0000 0000 ${question} 00`, rcode.formatError],
  ['a missing record', `abcd 0000 0001 0000 0000 0001 ${question}`, rcode.formatError],
  ['two OPT', `abcd 0000 0001 0000 0000 0002 ${question} ${opt} ${opt}`, rcode.formatError],
  ['OPT in authority', `abcd 0000 0001 0000 0001 0000 ${question} ${opt}`, rcode.formatError],
  ['OPT with a name', `abcd 0000 0001 0000 0000 0001 ${question} 01 61 ${opt}`, rcode.formatError],
  [
    'an option past its end',
    `abcd 0000 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0004 0008 0009`,
    rcode.formatError,
  ],
  [
    'EDNS version 1',
    `abcd 0000 0001 0000 0000 0001 ${question} 00 0029 04d0 00010000 0000`,
    rcode.badVersion,
  ],
  [
    'a client subnet with a scope',
    `abcd 0000 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 000b 0008 0007 0001 18 18 c00002`,
    rcode.formatError,
  ],
  [
    'two client subnets',
    `abcd 0000 0001 0000 0000 0001 ${question} 00 0029 04d0 00000000 0010 0008 0004 00010000 0008 0004 00010000`,
    rcode.formatError,
  ],
  ['NOTIFY', `abcd 2000 0001 0000 0000 0000 ${question}`, rcode.noError],
  ['STATUS', `abcd 1000 0001 0000 0000 0000 ${question}`, rcode.notImplemented],
  ['UPDATE, other sections and all', 'abcd 2800 ffff ffff ffff ffff', rcode.notImplemented],
];

test('the verdict on each kind of query', () => {
  const reader = new QueryReader();
  for (const [what, text, verdict] of verdicts) {
    const bytes = hex(text);
    assert.equal(reader.read(bytes, bytes.length), verdict, what);
    if (verdict !== silent) assert.equal(reader.id, 0xabcd, what);
  }
});

const someLabel = fc.stringMatching(/^[A-Za-z0-9-]{1,12}$/);
const query = fc.record({
  id: fc.nat({ max: 0xffff }),
  name: fc.array(someLabel, { minLength: 1, maxLength: 6 }).map((labels) => labels.join('.')),
  type: fc.constantFrom('A', 'AAAA', 'TXT', 'SOA', 'NS', 'CNAME', 'ANY'),
  edns: fc.boolean(),
  // dns-packet writes its default for 0.
  payload: fc.integer({ min: 1, max: 0xffff }),
  subnet: fc.option(fc.ipV4(), { nil: undefined }),
});
type QueryInput = typeof query extends fc.Arbitrary<infer T> ? T : never;

function encode({ id, name, type, edns, payload, subnet }: QueryInput): Buffer {
  const options =
    subnet === undefined ? [] : [{ code: 8, ip: subnet, sourcePrefixLength: 32, family: 1 }];
  const opt = { type: 'OPT', name: '.', udpPayloadSize: payload, flags: 0, options };
  return oracle.encode({
    id,
    type: 'query',
    questions: [{ name, type }],
    additionals: edns ? [opt] : [],
  });
}

test('reads what another implementation wrote', () => {
  const reader = new QueryReader();
  fc.assert(
    fc.property(query, (input) => {
      const bytes = encode(input);
      assert.equal(reader.read(bytes, bytes.length), rcode.noError);
      assert.equal(reader.id, input.id);
      assert.equal(reader.name, parseName(input.name).key);
      assert.equal(reader.edns, input.edns);
      assert.equal(reader.questionEnd, 12 + input.name.length + 2 + 4);
      assert.equal(reader.hasSubnet, input.edns && input.subnet !== undefined);
      if (input.edns) assert.equal(reader.udpPayload, input.payload);
      if (reader.hasSubnet) assert.equal([...reader.subnet.address].join('.'), input.subnet);
    }),
  );
});

const known = new Set<number>([silent, 0, 1, 4, 16]);

test('any bytes at all: a verdict, nothing thrown, nothing read from before', () => {
  const reader = new QueryReader();
  const fresh = () => new QueryReader();
  const mutated = fc
    .tuple(query, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 }), fc.nat())
    .map(([input, changes, cut]) => {
      const bytes = encode(input);
      for (const [at, value] of changes) bytes[at % bytes.length] = value;
      return bytes.subarray(0, cut % 3 === 0 ? cut % bytes.length : bytes.length);
    });
  const anything = fc.oneof(mutated, fc.uint8Array({ maxLength: 600 }));
  fc.assert(
    fc.property(anything, (bytes) => {
      const verdict = reader.read(bytes, bytes.length);
      assert.ok(known.has(verdict));
      const again = fresh();
      assert.equal(again.read(bytes, bytes.length), verdict);
      if (verdict === silent) return;
      assert.ok(reader.questionEnd <= bytes.length);
      assert.equal(reader.questionEnd, again.questionEnd);
      assert.equal(reader.hasSubnet, again.hasSubnet);
    }),
    { numRuns: 3_000 },
  );
});
