import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrorCode, Http2Error } from '../http2-error.ts';
import { type DecodedBlock, HpackDecoder } from './decoder.ts';

const limits = { fieldBytes: 4_096, fieldCount: 10 };
const indexing = 0x40;

function decode(decoder: HpackDecoder, ...parts: (string | Buffer)[]): DecodedBlock {
  const all = parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part));
  // In the midst of something else, as in a read from a socket.
  const block = Buffer.concat([Buffer.from([0x82]), ...all, Buffer.from([0x82])]);
  return decoder.decode(block, 1, block.length - 1, limits);
}

/** A literal with a new name; `first`: `indexing`, or the octet of another kind. */
function literal(first: number, name: string, value: string): Buffer {
  return Buffer.concat([Buffer.from([first]), text(name), text(value)]);
}

function text(content: string): Buffer {
  const { length } = content;
  const prefix =
    length < 127 ? [length] : [127, ((length - 127) & 0x7f) | 0x80, (length - 127) >> 7];
  return Buffer.concat([Buffer.from(prefix), Buffer.from(content, 'latin1')]);
}

const isCompressionError = (error: unknown): boolean =>
  error instanceof Http2Error &&
  error.code === ErrorCode.COMPRESSION_ERROR &&
  error.scope === 'connection';

test('what is no field block', () => {
  for (const [what, block] of [
    ['index 0', '80'],
    ['an index beyond both tables', 'be'],
    ['an index far beyond', 'ffffffffff07'],
    ['the name of an index beyond both tables, with indexing', '7e0161'],
    ['the same, without', '0f2f0161'],
    ['the same, never', '1f2f0161'],
    ['an index that does not end', 'ff'],
    ['an index that does not end, of octets that add nothing', 'ff80808080'],
    ['the same, which ends after all', `0f${'80'.repeat(100)}000131`],
    ['a sixth octet that adds nothing', '0f8080808080000131'],
    ['an index of 2³¹', 'ff81ffffff07'],
    ['an index of 2³⁵ and more', 'ffffffffffff7f'],
    ['a name that is missing', '40'],
    ['a name that is cut off', '400361'],
    ['a value that is missing', '400161'],
    ['a value that is cut off', '4001610261'],
    ['a length of 2³¹ − 1', '4001617f80ffffff07'],
    ['a length beyond 2³¹', '4001617fffffffff7f'],
    ['a length that does not end', '4001617f80'],
    ['a length in the Huffman code that is cut off', '40016182f1'],
    ['a table larger than 4,096 octets', '3fe21f'],
    ['a table of 2³¹ − 1 octets', '3fe0ffffff07'],
    ['a new table size after a field', '8220'],
    ['a new table size after a field, others after it', '822001610162'],
    ['a new table size after a literal', '00016101623fe11f'],
    ['EOS', '40016184ffffffff'],
    ['EOS after an octet', '400161851fffffffff'],
    ['8 bits of padding', '40016182f8ff'],
    ['16 bits of padding, and nothing else', '40016182ffff'],
    ['padding of zeros', '4001618100'],
    ['padding of ones and a zero', '400161811e'],
    ['a code that is cut off', '40016182fff8'],
  ] as const) {
    assert.throws(() => decode(new HpackDecoder(), block), isCompressionError, what);
  }
});

test('what is lawful, if odd', () => {
  for (const [what, block, fields] of [
    ['nothing', '', []],
    ['an empty name, which the decoder does not judge', '000000', ['', '']],
    ['an index that takes more octets than it needs', '0f8680000131', ['age', '1']],
    ['the same, as long as may be', '0f80808080000131', ['accept-charset', '1']],
    ['an empty string in the Huffman code', '00016180', ['a', '']],
    ['7 bits of padding', '000161831acb7f', ['a', 'a--']],
    ['3 bits of padding', '000161811f', ['a', 'a']],
    ['two new table sizes', '203fe11f82', [':method', 'GET']],
    ['the largest table', '3fe11f82', [':method', 'GET']],
    ['the last static entry', 'bd', ['www-authenticate', '']],
  ] as const) {
    assert.deepEqual(decode(new HpackDecoder(), block).fields, fields, what);
  }
});

test('the codes of octets that no message may have (RFC 7541 appendix B)', () => {
  for (const [code, bits, octet] of [
    [0x1ff8, 13, 0x00],
    [0x7fffd8, 23, 0x01],
    [0xfffffe2, 28, 0x02],
    [0xffffea, 24, 0x09],
    [0x3ffffffc, 30, 0x0a],
    [0x3ffffffd, 30, 0x0d],
    [0x3ffffffe, 30, 0x16],
    [0xffffffc, 28, 0x7f],
    [0xfffe6, 20, 0x80],
    [0xffffffd, 28, 0xdc],
    [0xffffffe, 28, 0xf9],
    [0x3ffffee, 26, 0xff],
  ] as const) {
    const bytes = Math.ceil(bits / 8);
    const padding = 8 * bytes - bits;
    const padded = BigInt(code) * 2n ** BigInt(padding) + 2n ** BigInt(padding) - 1n;
    const huffman = Buffer.from(padded.toString(16).padStart(2 * bytes, '0'), 'hex');
    const block = Buffer.concat([Buffer.from([0, 1, 0x61, 0x80 | bytes]), huffman]);
    assert.equal(decode(new HpackDecoder(), block).fields[1], String.fromCharCode(octet));
  }
});

test('entries leave in the order in which they came, as soon as there is no room', () => {
  const decoder = new HpackDecoder();
  // 3 × 1,332 and 32 each: 4,092 of 4,096.
  const value = 'v'.repeat(1_331);
  for (const name of ['a', 'b', 'c']) decode(decoder, literal(indexing, name, value));
  assert.deepEqual(decode(decoder, 'c0').fields, ['a', value]);
  decode(decoder, literal(indexing, 'd', ''));
  assert.deepEqual(decode(decoder, 'bebfc0').fields, ['d', '', 'c', value, 'b', value]);
  assert.throws(() => decode(decoder, 'c1'), isCompressionError);
});

test('an entry as large as the table fits, one octet more empties it', () => {
  const decoder = new HpackDecoder();
  decode(decoder, literal(indexing, 'a', '1'.repeat(4_063)));
  assert.deepEqual(decode(decoder, 'be').fields[0], 'a');
  decode(decoder, literal(indexing, 'a', '1'.repeat(4_064)));
  assert.throws(() => decode(decoder, 'be'), isCompressionError);
});

test('entries that fill the table to the last octet', () => {
  const decoder = new HpackDecoder();
  for (const name of ['a', 'b']) decode(decoder, literal(indexing, name, 'v'.repeat(2_015)));
  assert.deepEqual(decode(decoder, 'bf').fields[0], 'a');
  decode(decoder, literal(indexing, 'c', ''));
  assert.throws(() => decode(decoder, 'c0'), isCompressionError);
});

test('the name of a new entry may be that of one which leaves to make room', () => {
  const decoder = new HpackDecoder();
  decode(decoder, '3f0f', literal(indexing, 'name', '1234567890'));
  const { fields } = decode(decoder, '7e', text('0987654321'), 'be');
  assert.deepEqual(fields, ['name', '0987654321', 'name', '0987654321']);
  assert.throws(() => decode(decoder, 'bf'), isCompressionError);
});

test('a smaller table drops what is over; a larger one brings nothing back', () => {
  const decoder = new HpackDecoder();
  decode(decoder, literal(indexing, 'a', '1'), literal(indexing, 'b', '2'));
  assert.deepEqual(decode(decoder, '3f0abe').fields, ['b', '2']);
  assert.throws(() => decode(decoder, '3fe11fbf'), isCompressionError);
});

test('too many lines, and too many octets', () => {
  const decoder = new HpackDecoder();
  const ten = decode(decoder, literal(indexing, 'a', '1'), 'be'.repeat(9));
  assert.equal(ten.tooLarge, false);
  assert.equal(ten.fields.length, 20);
  const eleven = decode(decoder, 'be'.repeat(11));
  assert.equal(eleven.tooLarge, true);
  assert.equal(eleven.fields.length, 20);
  const value = 'v'.repeat(4_096 - 33 - 34);
  assert.equal(decode(decoder, 'be', literal(0, 'a', value)).tooLarge, false);
  const long = decode(decoder, 'be', literal(0, 'b', `${value}v`), 'be');
  assert.equal(long.tooLarge, true);
  assert.deepEqual(long.fields, ['a', '1']);
});

test('a block that is too large still changes the table', () => {
  const decoder = new HpackDecoder();
  const { tooLarge } = decode(decoder, '82'.repeat(10), literal(indexing, 'late', 'yes'));
  assert.equal(tooLarge, true);
  assert.deepEqual(decode(decoder, 'be').fields, ['late', 'yes']);
});

test('parts of a cookie are not counted as lines, only as octets', () => {
  const decoder = new HpackDecoder();
  const crumbs = Array.from({ length: 50 }, (_, at) => literal(0, 'cookie', `c${at}=1`));
  assert.equal(decode(decoder, ...crumbs).tooLarge, false);
  assert.equal(decode(decoder, literal(indexing, 'cookie', 'a=1'), 'be'.repeat(99)).tooLarge, true);
});

test('many references to one large entry leave no more than the limits allow', () => {
  const decoder = new HpackDecoder();
  decode(decoder, literal(indexing, 'a', 'b'.repeat(4_000)));
  const block = Buffer.alloc(16_000, 0xbe);
  const { fields, tooLarge } = decoder.decode(block, 0, block.length, {
    fieldBytes: 32_768,
    fieldCount: 1_000,
  });
  assert.equal(tooLarge, true);
  assert.equal(fields.length / 2, Math.floor(32_768 / 4_033));
});

test('which octets are not well-formed, and where', () => {
  const bad = ['', 'A', 'aB', 'a b', 'a:', '\xe4', 'a\0', 'a\r', 'a\n', 'a\x7f', ':Path', '::'];
  for (const name of bad) {
    for (const first of [0x00, 0x10, indexing]) {
      const { wellFormed } = decode(new HpackDecoder(), literal(first, name, 'v'));
      assert.equal(wellFormed, false, JSON.stringify(name));
    }
  }
  for (const value of ['a\0', '\r', 'a\nb', '\x7f', '\x1f', ' a', 'a ', '\ta', 'a\t', ' ']) {
    for (const block of [
      ...[literal(0x00, 'n', value), literal(0x10, 'n', value), literal(indexing, 'n', value)],
      Buffer.concat([Buffer.from([0x44]), text(value)]),
      Buffer.concat([Buffer.from([0x04]), text(value)]),
    ]) {
      const { wellFormed } = decode(new HpackDecoder(), '82', block, '82');
      assert.equal(wellFormed, false, JSON.stringify(value));
    }
  }
  for (const [name, value] of [
    [':path', ''],
    ["!#$%&'*+-.^_`|~09az", 'a b\tc'],
    ['n', '\x80\xff"\\'],
  ] as const) {
    assert.equal(decode(new HpackDecoder(), literal(0, name, value)).wellFormed, true);
  }
});

test('an entry that is not well-formed is so wherever it is used, and only there', () => {
  for (const [name, value] of [
    ['Name', 'v'],
    ['n', 'a\nb'],
  ] as const) {
    const decoder = new HpackDecoder();
    decode(decoder, literal(indexing, 'good', 'v'), literal(indexing, name, value));
    assert.equal(decode(decoder, 'be').wellFormed, false);
    assert.equal(decode(decoder, '82bf').wellFormed, true);
    assert.equal(decode(decoder, 'be82').wellFormed, false);
    const byName = decode(decoder, '7e', text('v'));
    assert.equal(byName.wellFormed, name === 'n');
  }
});

test('property: random octets are decoded, or a COMPRESSION_ERROR', () => {
  const octets = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    // Mostly sense: indexes, short literals, sizes.
    fc
      .array(
        fc.oneof(
          fc.constantFrom('82', 'be', 'c0', '20', '3fe11f', '4001610162', '7e0161', '400161811f'),
          fc.uint8Array({ maxLength: 2 }).map((bytes) => Buffer.from(bytes).toString('hex')),
        ),
        { maxLength: 12 },
      )
      .map((parts) => Buffer.from(parts.join(''), 'hex')),
  );
  fc.assert(
    fc.property(fc.array(octets, { maxLength: 4 }), (blocks) => {
      const decoder = new HpackDecoder();
      try {
        for (const block of blocks) {
          const { fields, tooLarge } = decode(decoder, Buffer.from(block));
          let bytes = 0;
          for (const part of fields) bytes += part.length + 16;
          assert.ok(bytes <= limits.fieldBytes);
          assert.ok(tooLarge || fields.length % 2 === 0);
        }
      } catch (error) {
        assert.ok(isCompressionError(error), String(error));
      }
    }),
    { numRuns: 3_000 },
  );
});
