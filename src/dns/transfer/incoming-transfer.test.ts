import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { atOnce } from '../../base/steps.ts';
import { DnsError } from '../errors.ts';
import { flag } from '../wire/codes.ts';
import { type DomainName, parseName } from '../wire/name.ts';
import { encodeQuery } from '../wire/query-writer.ts';
import { type Rdata, rdata, rdataBytes } from '../wire/records/record-type.ts';
import { formatRdata, recordType, typeCode, typeName } from '../wire/records/registry.ts';
import type { WrittenSet } from '../zone-file/writer.ts';
import { IncomingTransfer, readSoaAnswer } from './incoming-transfer.ts';
import { transferMessages } from './transfer-messages.ts';
import { readTransferredZone } from './transferred-zone.ts';
import { imageRecords, type ZoneImage } from './zone-image.ts';

const apex = parseName('example.test');
const id = 77;
const query = encodeQuery({ id, name: apex, type: 252 });
const questionEnd = 12 + apex.wire.length + 4;

function setOf(name: string, type: string, ...values: string[]): WrittenSet {
  const code = typeCode(type)!;
  const owner = name.endsWith('.') ? parseName(name) : parseName(name, apex);
  const parse = (value: string) => recordType(code)!.parse(value, apex);
  return { owner, type: code, ttlSeconds: 60, records: values.map(parse) };
}

function opaque(name: string, type: number, data: Uint8Array): WrittenSet {
  const records: Rdata[] = [rdata({ tail: Buffer.from(data) })];
  return { owner: parseName(name, apex), type, ttlSeconds: 60, records };
}

const soa = setOf('@', 'SOA', 'ns1 dns 7 3600 600 86400 60');
const common = [
  setOf('@', 'NS', 'ns1', 'ns2.example.net.'),
  setOf('@', 'MX', '10 mail', '20 mail.example.net.'),
  setOf('ns1', 'A', '192.0.2.1'),
  setOf('mail', 'AAAA', '2001:db8::1'),
  setOf('_sip._tcp', 'SRV', '1 2 5060 mail'),
  setOf('n', 'NAPTR', '1 2 "s" "SIP+D2T" "" _sip._tcp'),
  setOf('Upper.Case', 'TXT', '"a b" "c"'),
  setOf('s', 'HTTPS', '1 . alpn=h2'),
  opaque('unknown', 65_280, Uint8Array.of(1, 2, 3)),
];

function messagesOf(sets: readonly WrittenSet[], asked = { query, questionEnd }): Buffer[] {
  const output = Buffer.alloc(65_535);
  const transfer = { id, ...asked, soa, sets, signer: undefined, nowSeconds: () => 0 };
  return Array.from(transferMessages(transfer, output), (length) =>
    Buffer.from(output.subarray(0, length)),
  );
}

function take(messages: readonly Buffer[], isSignedHere = false, limits?: object): ZoneImage {
  const whole = { bytes: 1 << 26, records: 500_000, ...limits };
  const incoming = new IncomingTransfer({ apex, id, isSignedHere, limits: whole });
  for (const [at, message] of messages.entries()) {
    const image = incoming.take(message);
    assert.equal(image !== undefined, at === messages.length - 1);
    if (image) return image;
  }
  throw new assert.AssertionError({ message: 'it has no end' });
}

/** Owner, type, TTL and data in text, in order. */
function textOf(image: ZoneImage): string[] {
  return Array.from(imageRecords(image), ({ owner, type, ttlSeconds, data }) =>
    lineOf(owner, type, ttlSeconds, data),
  );
}

function lineOf(owner: DomainName, type: number, ttl: number, data: Rdata): string {
  const bytes = rdataBytes(data);
  return `${owner} ${ttl} ${typeName(type)} ${formatRdata(type, bytes, 0, bytes.length)}`;
}

const linesOf = (sets: readonly WrittenSet[]) =>
  sets.flatMap(({ owner, type, ttlSeconds, records }) =>
    records.map((data) => lineOf(owner, type, ttlSeconds, data)),
  );

const refused = (message: RegExp) => (error: unknown) =>
  error instanceof DnsError && error.code === 'transfer_failed' && message.test(error.message);

test('what was sent is there, names written out, and the SOA once', () => {
  const image = take(messagesOf(common));
  assert.deepEqual(textOf(image), linesOf([soa, ...common]));
  assert.deepEqual([image.soa.serial, image.soa.expire], [7, 86_400]);
  assert.equal(image.records, textOf(image).length);
});

test('of many messages too', () => {
  const many = Array.from({ length: 4_000 }, (_, at) => setOf(`h${at}`, 'MX', `${at} mail`));
  const messages = messagesOf([...common, ...many]);
  assert.ok(messages.length > 3);
  assert.equal(take(messages).records, 4_000 + linesOf([soa, ...common]).length);
});

test('what is not in the zone is left out', () => {
  const strangers = [
    setOf('www.example.com.', 'A', '192.0.2.66'),
    setOf('test.', 'A', '192.0.2.66'),
  ];
  const image = take(messagesOf([...strangers, ...common]));
  assert.deepEqual(textOf(image), linesOf([soa, ...common]));
});

test('what is left out counts: nobody sends it for ever', () => {
  const strangers = Array.from({ length: 100 }, (_, at) =>
    setOf(`h${at}.example.com.`, 'A', '192.0.2.66'),
  );
  const signatures = Array.from({ length: 100 }, (_, at) => opaque(`h${at}`, 46, Buffer.alloc(30)));
  for (const sets of [strangers, signatures]) {
    const messages = messagesOf([...common, ...sets]);
    const kept = linesOf([soa, ...common]).length;
    assert.equal(take(messages, true, { records: kept + 100 }).records, kept);
    const few = { records: kept + 99 };
    assert.throws(() => take(messages, true, few), refused(/more than \d+ records/));
    assert.throws(() => take(messages, true, { bytes: 2_000 }), refused(/more than 2000 octets/));
  }
});

test('a TTL with the highest bit is 0', () => {
  const image = take(messagesOf([{ ...common[0]!, ttlSeconds: 0x8000_0000 }]));
  assert.ok(textOf(image).includes('example.test 0 NS ns1.example.test'));
});

const signature = opaque('@', 46, Buffer.alloc(30));

test('a signed zone is refused, or its signatures and keys are left out where it is signed here', () => {
  const signed = [...common, signature, opaque('ns1', 47, Buffer.alloc(8))];
  const key = opaque('@', 48, Buffer.concat([Buffer.of(1, 1, 3, 13), Buffer.alloc(64)]));
  assert.throws(() => take(messagesOf(signed)), refused(/is a signed zone/));
  assert.deepEqual(textOf(take(messagesOf([...signed, key]), true)), linesOf([soa, ...common]));
});

/** What a primary may send instead, and what it is told. */
const wrong: [what: string, change: (messages: Buffer[]) => Buffer[], message: RegExp][] = [
  ['another id', edit((bytes) => bytes.writeUInt16BE(78, 0)), /another question/],
  ['a question', edit((bytes) => bytes.writeUInt16BE(0, 2)), /another question/],
  ['REFUSED', edit((bytes) => bytes.writeUInt16BE(flag.response | 5, 2)), /is REFUSED/],
  ['TC', edit((bytes) => bytes.writeUInt16BE(flag.response | flag.truncated, 2)), /is truncated/],
  ['another name', edit((bytes) => bytes.writeUInt8(0x66, 13)), /another question/],
  ['another class', edit((bytes) => bytes.writeUInt16BE(3, questionEnd + 4)), /another class/],
  ['nothing', edit((bytes) => bytes.writeUInt16BE(0, 6)), /without records/],
  ['too few octets', (all) => all.map((bytes) => bytes.subarray(0, 60)), /cut off|broken/],
  ['more after the end', ([first]) => [first!, first!], /after its end|cut off/],
  ['no SOA first', () => [withoutSoa()], /does not begin with the SOA/],
  ['another SOA last', () => [withOtherSoa()], /ends with another SOA/],
  ['a TSIG in the zone', () => messagesOf([opaque('x', 250, Buffer.alloc(4))]), /of type TYPE250/],
  ['OPT in the zone', () => messagesOf([opaque('x', 41, Buffer.alloc(4))]), /of type TYPE41/],
];

function edit(change: (bytes: Buffer) => void) {
  return (all: Buffer[]) => {
    change(all[0]!);
    return all;
  };
}

function withoutSoa(): Buffer {
  const [message] = messagesOf(common);
  message!.writeUInt16BE(1, questionEnd + 2); // TYPE of the first record: A
  return message!;
}

function withOtherSoa(): Buffer {
  const [message] = messagesOf(common);
  message![message!.length - 17]!++; // its serial
  return message!;
}

for (const [what, change, message] of wrong) {
  test(`there is no zone where the primary sends ${what}`, () => {
    const incoming = new IncomingTransfer({ apex, id, isSignedHere: false });
    assert.throws(() => {
      for (const bytes of change(messagesOf(common))) incoming.take(bytes);
    }, refused(message));
  });
}

test('a primary cannot make us hold more than the limits', () => {
  const many = messagesOf(
    Array.from({ length: 100 }, (_, at) => setOf(`h${at}`, 'A', '192.0.2.1')),
  );
  assert.throws(() => take(many, false, { records: 100 }), refused(/more than 100 records/));
  assert.equal(take(many, false, { records: 101 }).records, 101);
  // Compressed names are counted as they are held.
  assert.throws(() => take(many, false, { bytes: 2_500 }), refused(/more than 2500 octets/));
});

test('whatever octets change: the zone, or an error, and never a part of it', () => {
  const good = messagesOf(common);
  const [message] = good;
  const count = textOf(take(good)).length;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(message!.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
      (changes) => {
        const bytes = Buffer.from(message!);
        for (const [at, octet] of changes) bytes[at] = octet;
        const incoming = new IncomingTransfer({ apex, id, isSignedHere: false });
        try {
          const image = incoming.take(bytes);
          if (!image) return;
          assert.ok(image.records <= count);
          atOnce(readTransferredZone(apex, image));
        } catch (error) {
          assert.ok(error instanceof DnsError, String(error));
          assert.equal(error.code, 'transfer_failed');
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('the serial is read from an answer to a question for it', () => {
  const asked = { id, apex, type: 6 };
  const [bytes] = messagesOf([], { query: encodeQuery({ id, name: apex, type: 6 }), questionEnd });
  assert.equal(readSoaAnswer(bytes!, asked).serial, 7);
  bytes!.writeUInt16BE(0, 6);
  assert.throws(() => readSoaAnswer(bytes!, asked), refused(/has no SOA/));
});

const unservable: [what: string, sets: readonly WrittenSet[], message: RegExp][] = [
  ['no NS', [setOf('www', 'A', '192.0.2.1')], /no NS records at its apex/],
  ['a CNAME beside others', [...common, setOf('mail', 'CNAME', 'ns1')], /CNAME/],
  ['broken data', [...common, opaque('x', 1, Buffer.alloc(3))], /malformed A data at x/],
  [
    'too many types at one name',
    [
      ...common,
      ...Array.from({ length: 257 }, (_, at) => opaque('w', 1_000 + at, Buffer.alloc(0))),
    ],
    /w\.example\.test has more than 256 types of records/,
  ],
  [
    'too large a record',
    [...common, opaque('x', 65_400, Buffer.alloc(60_001))],
    /TYPE65400 of x\.example\.test has more than 60000 octets of data, which fit no message/,
  ],
  [
    'too large a set',
    [
      ...common,
      setOf('t', 'TXT', ...Array.from({ length: 300 }, (_, at) => `${at}${'x'.repeat(240)}`)),
    ],
    /fit no message/,
  ],
];
for (const [what, sets, message] of unservable) {
  test(`a zone with ${what} came whole, and is not served`, () => {
    const image = take(messagesOf(sets));
    assert.throws(() => atOnce(readTransferredZone(apex, image)), refused(message));
  });
}
