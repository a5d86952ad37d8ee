import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DnsError } from '../errors.ts';
import { hex, oracle } from '../testdata/exchange.ts';
import { decodeMessage } from './message.ts';

const response = oracle.encode({
  id: 0x1234,
  type: 'response',
  flags: 0x0400,
  questions: [{ name: 'rates.exchange.test', type: 'A' }],
  answers: [
    { name: 'rates.exchange.test', type: 'CNAME', ttl: 5, data: 'x.exchange.test' },
    { name: 'x.exchange.test', type: 'A', ttl: 10, data: '192.0.2.1' },
    { name: 'x.exchange.test', type: 'AAAA', ttl: 10, data: '2001:db8::1' },
    { name: 'x.exchange.test', type: 'TXT', ttl: 10, data: ['a "b"', 'c'] },
  ],
  authorities: [
    {
      name: 'exchange.test',
      type: 'SOA',
      ttl: 1,
      data: {
        mname: 'ns1.exchange.test',
        rname: 'dns.exchange.test',
        serial: 7,
        refresh: 1,
        retry: 2,
        expire: 3,
        minimum: 4,
      },
    },
    { name: 'exchange.test', type: 'NS', ttl: 1, data: 'ns1.exchange.test' },
  ],
  additionals: [
    {
      name: '.',
      type: 'OPT',
      udpPayloadSize: 1_400,
      extendedRcode: 1,
      flags: 0x8000,
      options: [
        { code: 8, family: 1, sourcePrefixLength: 24, scopePrefixLength: 20, ip: '192.0.2.0' },
      ],
    },
  ],
});

test('reads what another implementation wrote', () => {
  const message = decodeMessage(response);
  assert.equal(message.id, 0x1234);
  assert.equal(message.isResponse, true);
  assert.equal(message.rcode, 16);
  assert.deepEqual(message.flags, {
    authoritative: true,
    truncated: false,
    recursionDesired: false,
  });
  assert.deepEqual(message.questions, [{ name: 'rates.exchange.test', type: 'A', class: 1 }]);
  assert.deepEqual(message.answers, [
    { name: 'rates.exchange.test', type: 'CNAME', ttl: 5, data: 'x.exchange.test' },
    { name: 'x.exchange.test', type: 'A', ttl: 10, data: '192.0.2.1' },
    { name: 'x.exchange.test', type: 'AAAA', ttl: 10, data: '2001:db8::1' },
    { name: 'x.exchange.test', type: 'TXT', ttl: 10, data: '"a \\"b\\"" "c"' },
  ]);
  assert.equal(message.authority[0]?.data, 'ns1.exchange.test dns.exchange.test 7 1 2 3 4');
  assert.equal(message.authority[1]?.data, 'ns1.exchange.test');
  assert.deepEqual(message.additional, []);
  assert.equal(message.edns?.udpPayload, 1_400);
  assert.equal(message.edns?.dnssecOk, true);
  assert.equal(message.edns?.subnet?.scopeBits, 20);
});

test('data of a type that we do not know, in the form of RFC 3597', () => {
  const bytes = hex('0000 8000 0000 0001 0000 0000 00 ff01 0001 00000001 0003 00 01 ff');
  assert.deepEqual(decodeMessage(bytes).answers, [
    { name: '.', type: 'TYPE65281', ttl: 1, data: '\\# 3 0001ff' },
  ]);
});

test('cut off anywhere, or with a byte more: malformed', () => {
  for (let length = 0; length < response.length; length++) {
    assert.throws(() => decodeMessage(response.subarray(0, length)), { code: 'bad_message' });
  }
  const longer = Buffer.concat([response, Buffer.of(0)]);
  assert.throws(() => decodeMessage(longer), { code: 'bad_message' });
});

test('whatever the bytes: decoded, or `bad_message`', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), {
    minLength: 1,
    maxLength: 6,
  });
  const mutated = changes.map((list) => {
    const bytes = Buffer.from(response);
    for (const [at, value] of list) bytes[at % bytes.length] = value;
    return bytes;
  });
  const random = fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(mutated, random), (bytes) => {
      try {
        decodeMessage(bytes);
      } catch (error) {
        assert.ok(error instanceof DnsError, String(error));
        assert.equal(error.code, 'bad_message');
      }
    }),
    { numRuns: 3_000 },
  );
});
