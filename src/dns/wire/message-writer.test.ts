import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hex, oracle } from '../testdata/exchange.ts';
import { decodeMessage } from './message.ts';
import { MessageWriter, section } from './message-writer.ts';
import { parseName } from './name.ts';
import { recordType, typeCode } from './records/registry.ts';

const root = parseName('.');
// Few labels, so that names share suffixes, repeat labels and differ in case.
const name = fc
  .array(fc.constantFrom('a', 'A', 'b', 'a1', 'test'), { minLength: 1, maxLength: 5 })
  .map((labels) => labels.join('.'));
const record = fc.oneof(
  fc.record({ type: fc.constant('A'), data: fc.ipV4() }),
  fc.record({ type: fc.constant('CNAME'), data: name }),
  fc.record({ type: fc.constant('NS'), data: name }),
  fc.record({ type: fc.constant('TXT'), data: fc.stringMatching(/^[a-z0-9]{1,300}$/) }),
);
const owned = fc.record({
  owner: fc.option(name, { nil: undefined }),
  record,
  ttl: fc.nat({ max: 0x7fff_ffff }),
  to: fc.constantFrom(section.answer, section.authority, section.additional),
});

function dataOf({ type, data }: { type: string; data: string }) {
  const absolute = type === 'CNAME' || type === 'NS' ? `${data}.` : data;
  return recordType(typeCode(type)!)!.parse(absolute, root);
}

test('another implementation reads what we wrote, into a dirty buffer, to the limit', () => {
  const writer = new MessageWriter();
  const buffer = Buffer.alloc(1_232);
  const input = fc.tuple(
    name,
    fc.array(owned, { maxLength: 25 }),
    fc.integer({ min: 80, max: 420 }),
  );
  fc.assert(
    fc.property(input, fc.nat({ max: 255 }), ([asked, records, limit], dirt) => {
      for (let at = 0; at < buffer.length; at++) buffer[at] = at % 3 === 0 ? 1 : dirt;
      const query = oracle.encode({ id: 1, questions: [{ name: asked, type: 'A' }] });
      writer.begin(buffer, limit, 1, 0x8000);
      writer.question(query, query.length);
      const ordered = [...records].sort((one, two) => one.to - two.to);
      const written = ordered.filter(({ owner, record, ttl, to }) => {
        const ownerName = owner === undefined ? undefined : parseName(owner);
        return writer.record(to, ownerName, typeCode(record.type)!, ttl, dataOf(record));
      });
      assert.ok(writer.end() <= limit);
      const bytes = Buffer.from(buffer.subarray(0, writer.end()));
      const expected = written.map(({ owner, record, ttl }) => [
        (owner ?? asked).toLowerCase(),
        record.type,
        ttl,
        record.type === 'TXT' ? record.data : record.data.toLowerCase(),
      ]);
      const theirs = oracle.decode(bytes);
      const all = [...theirs.answers, ...theirs.authorities, ...theirs.additionals];
      assert.deepEqual(
        all.map(({ name, type, ttl, data }) => [
          name.toLowerCase(),
          type,
          ttl,
          (Array.isArray(data) ? data.join('') : String(data)).toLowerCase(),
        ]),
        expected,
      );
      const ours = decodeMessage(bytes);
      assert.equal(ours.answers.length, theirs.answers.length);
      assert.equal(ours.authority.length, theirs.authorities.length);
      assert.equal(ours.questions[0]?.name, asked);
    }),
    { numRuns: 400 },
  );
});

test('an SOA for a name below the zone: every name in it is compressed', () => {
  const query = hex(
    '0001 0000 0001 0000 0000 0000 04 6e6f7065 08 65786368616e6765 04 74657374 00 0001 0001',
  );
  const writer = new MessageWriter();
  const buffer = Buffer.alloc(512);
  writer.begin(buffer, 512, 1, 0x8400);
  writer.question(query, query.length);
  const soa = recordType(6)!;
  const apex = parseName('exchange.test');
  writer.record(
    section.authority,
    apex,
    6,
    5,
    soa.parse('ns1 hostmaster 7 3600 300 604800 5', apex),
  );
  const expected = hex(`0001 8400 0001 0000 0001 0000
    04 6e6f7065 08 65786368616e6765 04 74657374 00 0001 0001
    c011 0006 0001 00000005 0027
      03 6e7331 c011
      0a 686f73746d6173746572 c011
      00000007 00000e10 0000012c 00093a80 00000005`);
  assert.equal(buffer.toString('hex', 0, writer.end()), expected.toString('hex'));
});

test('truncating takes all records back, sets TC and leaves room for OPT', () => {
  const query = oracle.encode({ id: 9, questions: [{ name: 'a.test', type: 'A' }] });
  const writer = new MessageWriter();
  const buffer = Buffer.alloc(512);
  const edns = {
    dnssecOk: true,
    compactOk: true,
    subnet: undefined,
    scopeBits: 0,
    extendedError: 20,
    cookie: undefined,
    identifier: undefined,
    keepaliveTenths: -1,
    paddingBlock: 0,
  };
  writer.begin(buffer, 50, 9, 0x8000);
  writer.question(query, query.length);
  writer.reserve(edns);
  const data = dataOf({ type: 'A', data: '192.0.2.1' });
  assert.equal(writer.record(section.answer, undefined, 1, 1, data), false);
  writer.truncate();
  writer.opt(edns, 16);
  assert.ok(writer.end() <= 50);
  const message = decodeMessage(Buffer.from(buffer.subarray(0, writer.end())));
  assert.equal(message.flags.truncated, true);
  assert.equal(message.rcode, 16);
  assert.deepEqual(message.edns, {
    version: 0,
    udpPayload: 1_232,
    dnssecOk: true,
    compactOk: true,
    subnet: undefined,
    extendedError: 20,
  });
  assert.deepEqual([message.answers, message.additional], [[], []]);
});

test('the records of one message serve another one, if there is room and none was left out', () => {
  const query = oracle.encode({ id: 9, questions: [{ name: 'a.test', type: 'A' }] });
  const writer = new MessageWriter();
  const begin = (limit: number) => {
    const buffer = Buffer.alloc(512);
    writer.begin(buffer, limit, 9, 0x8000);
    writer.question(query, query.length);
    return buffer;
  };
  const data = dataOf({ type: 'A', data: '192.0.2.1' });
  const first = begin(512);
  assert.equal(writer.record(section.answer, undefined, 1, 60, data), true);
  assert.equal(writer.record(section.additional, parseName('b.a.test'), 1, 60, data), true);
  const end = writer.end();
  const body = writer.body();
  assert.ok(body);
  const second = begin(end);
  assert.equal(writer.append(body, undefined), true);
  assert.deepEqual(second.subarray(0, writer.end()), first.subarray(0, end));
  begin(end - 1);
  assert.equal(writer.append(body, undefined), false);
  assert.equal(writer.end(), query.length);
  begin(end - 1);
  assert.equal(writer.record(section.answer, undefined, 1, 60, data), true);
  assert.equal(writer.record(section.additional, parseName('b.a.test'), 1, 60, data), false);
  assert.equal(writer.body(), undefined);
});
