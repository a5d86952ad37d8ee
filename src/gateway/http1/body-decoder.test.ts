import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { BodyDecoder } from './body-decoder.ts';
import { type BodyFraming, chunkedBody, closeDelimitedBody, noBody } from './framing.ts';
import { defaultWireLimits as limits } from './limits.ts';
import { chunkHeader, lastChunkWith } from './serialise.ts';
import { WireError, type WireErrorCode } from './wire-error.ts';

interface Decoded {
  readonly content: string;
  readonly consumed: number;
  readonly done: boolean;
  readonly trailers: readonly string[];
  readonly error: WireErrorCode | undefined;
}

/** Feeds the parts one by one; each sits inside a larger buffer, so offsets matter. */
function decode(framing: BodyFraming, parts: readonly string[], some = limits): Decoded {
  const decoder = new BodyDecoder(framing, some);
  let content = '';
  let consumed = 0;
  let error: WireErrorCode | undefined;
  try {
    for (const part of parts) {
      const bytes = Buffer.from(`??${part}!!`, 'latin1');
      consumed += decoder.decode(bytes, 2, bytes.length - 2, (data) => {
        assert.ok(data.length > 0);
        content += data.toString('latin1');
      });
      if (decoder.done) break;
    }
  } catch (thrown) {
    assert.ok(thrown instanceof WireError);
    error = thrown.code;
  }
  return { content, consumed, done: decoder.done, trailers: decoder.trailers, error };
}

function corpus<Case>(file: string): Case[] {
  return JSON.parse(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'));
}

const rest = 'GET / HTTP/1.1\r\n';

for (const { name, body, content, trailers } of corpus<{
  name: string;
  body: string;
  content: string;
  trailers: string[];
}>('chunked-accepted.json')) {
  test(`chunked, accepted: ${name}`, () => {
    const expected = { content, consumed: body.length, done: true, trailers, error: undefined };
    assert.deepEqual(decode(chunkedBody, [body + rest]), expected);
    assert.deepEqual(decode(chunkedBody, [...(body + rest)]), expected);
  });
}

for (const { name, body, code } of corpus<{ name: string; body: string; code: string }>(
  'chunked-refused.json',
)) {
  test(`chunked, refused: ${name}`, () => {
    const whole = decode(chunkedBody, [body]);
    assert.equal(whole.error, code);
    assert.equal(decode(chunkedBody, [...body]).error, code);
    assert.equal(whole.done, false);
  });
}

test('length: stops at the end, across parts', () => {
  const framing = { kind: 'length', length: 5 } as const;
  const expected = { content: 'abcde', consumed: 5, done: true, trailers: [], error: undefined };
  assert.deepEqual(decode(framing, ['abcdeGET']), expected);
  assert.deepEqual(decode(framing, ['ab', 'c', 'deGET']), expected);
  assert.equal(decode({ kind: 'length', length: 0 }, ['GET']).consumed, 0);
  assert.equal(decode(noBody, ['GET']).consumed, 0);
});

test('close: everything until the peer closes', () => {
  const decoder = new BodyDecoder(closeDelimitedBody, limits);
  assert.equal(
    decoder.decode(Buffer.from('abc'), 0, 3, () => {}),
    3,
  );
  assert.equal(decoder.done, false);
  decoder.finish();
  assert.equal(decoder.done, true);
});

test('a peer that closes early is an error; one that closes after the end is not', () => {
  for (const [framing, part] of [
    [{ kind: 'length', length: 2 }, 'a'],
    [chunkedBody, ''],
    [chunkedBody, '1\r\na\r\n'],
    [chunkedBody, '0\r\n'],
  ] as const) {
    const decoder = new BodyDecoder(framing, limits);
    decoder.decode(Buffer.from(part), 0, part.length, () => {});
    assert.throws(() => decoder.finish(), { code: 'incomplete_body' });
  }
  new BodyDecoder(noBody, limits).finish();
});

test('content is passed on as the buffer that arrived, not copied', () => {
  const bytes = Buffer.from('abc');
  const parts: Buffer[] = [];
  new BodyDecoder(closeDelimitedBody, limits).decode(bytes, 0, 3, (part) => parts.push(part));
  assert.equal(parts[0], bytes);
  new BodyDecoder(closeDelimitedBody, limits).decode(bytes, 1, 3, (part) => parts.push(part));
  assert.equal(parts[1]!.buffer, bytes.buffer);
});

test('limits: chunk line, all extensions, trailers', () => {
  const small = { ...limits, chunkLineBytes: 8, chunkExtensionBytes: 10, trailerBytes: 16 };
  assert.equal(decode(chunkedBody, ['1;abcdef\r\n'], small).error, undefined);
  assert.equal(decode(chunkedBody, ['1;abcdefg'], small).error, 'bad_chunk');
  assert.equal(decode(chunkedBody, ['1;abcd\r\nx\r\n1;abcd\r\n'], small).error, undefined);
  const third = decode(chunkedBody, ['1;abcde\r\nx\r\n1;abcdef\r\n'], small);
  assert.equal(third.error, 'bad_chunk');
  assert.equal(decode(chunkedBody, [`0\r\nA: ${'x'.repeat(9)}\r\n\r\n`], small).done, true);
  for (const trailer of [`A: ${'x'.repeat(10)}\r\n\r\n`, 'x'.repeat(16), 'x'.repeat(1 << 16)]) {
    assert.equal(decode(chunkedBody, [`0\r\n${trailer}`], small).error, 'fields_too_large');
    assert.equal(
      decode(chunkedBody, ['0\r\n', ...trailer.slice(0, 99)], small).error,
      'fields_too_large',
    );
  }
  const many = 'A:\r\n'.repeat(limits.headerCount + 1);
  assert.equal(decode(chunkedBody, [`0\r\n${many}\r\n`]).error, 'fields_too_large');
});

const octets = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
});

/** The text cut at arbitrary places. */
const cut = (text: string) =>
  fc
    .array(fc.nat({ max: text.length }), { maxLength: 12 })
    .map((places) => [0, ...places.sort((a, b) => a - b), text.length])
    .map((places) => places.slice(1).map((place, at) => text.slice(places[at], place)));

test('property: what we write as chunks is read back, however it is cut', () => {
  const message = fc.array(
    octets.filter((part) => part.length > 0),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(
      message.chain((parts) => {
        const wire = parts.map((part) => `${chunkHeader(part.length)}${part}\r\n`).join('');
        return fc.tuple(fc.constant(parts), cut(`${wire}${lastChunkWith(['A', 'b'])}${rest}`));
      }),
      ([parts, pieces]) => {
        const wire = pieces.join('');
        assert.deepEqual(decode(chunkedBody, pieces), {
          content: parts.join(''),
          consumed: wire.length - rest.length,
          done: true,
          trailers: ['A', 'b'],
          error: undefined,
        });
      },
    ),
  );
});

/** A decoder of whole bodies by regular expressions; undefined for what is not one. */
function reference(body: string): { content: string; consumed: number } | undefined {
  const word = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
  const quoted = '"(?:\\\\[\\t -~\\x80-\\xff]|[\\t !#-\\[\\]-~\\x80-\\xff])*"';
  const line = new RegExp(`([0-9A-Fa-f]{1,16})(?:;${word}(?:=(?:${word}|${quoted}))?)*\\r\\n`, 'y');
  const trailer = new RegExp(`(${word}):[\\t -~\\x80-\\xff]*\\r\\n`, 'y');
  let content = '';
  for (let at = 0; ; ) {
    line.lastIndex = at;
    const found = line.exec(body);
    if (found === null) return undefined;
    const size = Number.parseInt(found[1]!, 16);
    at = line.lastIndex;
    if (size === 0) {
      trailer.lastIndex = at;
      for (let field = trailer.exec(body); field !== null; field = trailer.exec(body)) {
        if (/^(content-length|transfer-encoding|host)$/i.test(field[1]!)) return undefined;
        at = trailer.lastIndex;
      }
      return body.startsWith('\r\n', at) ? { content, consumed: at + 2 } : undefined;
    }
    content += body.slice(at, at + size);
    at += size;
    if (body.length < at || !body.startsWith('\r\n', at)) return undefined;
    at += 2;
  }
}

test('property: agrees with a reference decoder on damaged bodies, however they are cut', () => {
  const piece = fc.constantFrom(
    ...['0', '1', '2', 'a', 'F', 'g', '\r\n', '\r', '\n', ' ', '\t', ';', '=', '"', '\\', ':'],
    ...[
      'x',
      '\0',
      '\x80',
      '0\r\n\r\n',
      '1\r\nx\r\n',
      '2;a=b\r\nxy\r\n',
      'A: b\r\n',
      ';a="b c"',
      'Host: x\r\n',
    ],
  );
  const body = fc
    .tuple(fc.array(piece, { maxLength: 6 }), fc.constantFrom('', '0\r\n\r\n', '0\r\nA: b\r\n\r\n'))
    .map(([pieces, end]) => pieces.join('') + end);
  let accepted = 0;
  fc.assert(
    fc.property(
      body.chain((text) => fc.tuple(fc.constant(text), cut(text))),
      ([text, pieces]) => {
        const expected = reference(text);
        const whole = decode(chunkedBody, [text]);
        assert.equal(whole.done, expected !== undefined, JSON.stringify(text));
        if (expected !== undefined) {
          accepted++;
          assert.equal(whole.content, expected.content);
          assert.equal(whole.consumed, expected.consumed);
        }
        const cutUp = decode(chunkedBody, pieces);
        assert.deepEqual({ ...cutUp, consumed: 0 }, { ...whole, consumed: 0 });
        if (whole.error === undefined) assert.equal(cutUp.consumed, whole.consumed);
      },
    ),
    { numRuns: 3_000 },
  );
  assert.ok(accepted > 100, `only ${accepted} bodies were valid`);
});
