/** How a head is split over reads must not change what becomes of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultWireLimits } from './limits.ts';
import { parseRequestHead } from './request-parser.ts';
import { parseResponseHead } from './response-parser.ts';
import { WireError } from './wire-error.ts';

/** Small enough for generated heads to pass them. */
const limits = { ...defaultWireLimits, requestLineBytes: 40, headerBytes: 90, headerCount: 4 };

type Parse = (
  bytes: Buffer,
  start: number,
  end: number,
  seen: number,
) => { headBytes: number } | undefined;

const parseRequest: Parse = (bytes, start, end) => parseRequestHead(bytes, start, end, limits);
const parseTrickling: Parse = (bytes, start, end, seen) =>
  parseRequestHead(bytes, start, end, limits, seen);
const parseResponse: Parse = (bytes, start, end) =>
  parseResponseHead(bytes, start, end, limits, 'GET');

function outcome(parse: Parse, bytes: Buffer, end: number, seen = 0): unknown {
  try {
    return parse(bytes, 0, end, seen);
  } catch (error) {
    assert.ok(error instanceof WireError, String(error));
    return { code: error.code, message: error.message };
  }
}

/** The first thing that becomes of the growing input. */
function arriving(parse: Parse, text: string, places: readonly number[]): unknown {
  const bytes = Buffer.from(text, 'latin1');
  let seen = 0;
  for (const place of [...places, bytes.length].sort((a, b) => a - b)) {
    const end = Math.min(place, bytes.length);
    const early = outcome(parse, bytes, end, seen);
    if (early !== undefined) return early;
    seen = end;
  }
  return undefined;
}

function whole(parse: Parse, text: string): unknown {
  const bytes = Buffer.from(text, 'latin1');
  return outcome(parse, bytes, bytes.length);
}

function corpus(file: string): { message: string }[] {
  return JSON.parse(readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8'));
}

test('the corpora, one octet at a time', () => {
  for (const [kind, parse] of [
    ['requests', parseRequest],
    ['responses', parseResponse],
  ] as const) {
    for (const { message } of [
      ...corpus(`${kind}-accepted.json`),
      ...corpus(`${kind}-refused.json`),
    ]) {
      const everywhere = Array.from({ length: message.length }, (_, at) => at);
      assert.deepEqual(
        arriving(parse, message, everywhere),
        whole(parse, message),
        JSON.stringify(message),
      );
    }
  }
});

const nasty = ['\r', '\n', '\0', ' ', '\t', ':', 'x', 'Host: b\r\n', 'x'.repeat(30), '\xe4', '@'];
const pieces = (starts: readonly string[]) =>
  fc
    .tuple(
      fc.constantFrom(...starts),
      fc.array(
        fc.oneof(
          fc.constantFrom('A: b\r\n', 'Content-Length: 1\r\n', 'Connection: close\r\n', '\r\n'),
          fc.constantFrom(...nasty),
        ),
        { maxLength: 6 },
      ),
    )
    .map(([start, rest]) => start + rest.join(''));
const requests = pieces([
  ...['GET / HTTP/1.1\r\nHost: a\r\n', '\r\nPOST /x HTTP/1.0\r\n', 'GET /', 'G', '\r', ''],
  ...[
    'GET / HTTP/1.',
    'GET / HTTP/',
    'OPTIONS * HTTP/1.1\r\nHost: a\r\n',
    `GET /${'y'.repeat(33)}`,
  ],
]);
const responses = pieces([
  ...['HTTP/1.1 200 OK\r\n', 'HTTP/1.1 204\r\n', 'HTTP/1.0 200 ', 'HTTP/1.1 2', 'H', ''],
  `HTTP/1.1 200 ${'y'.repeat(25)}`,
]);

for (const [name, parse, messages] of [
  ['request', parseRequest, requests],
  ['response', parseResponse, responses],
] as const) {
  test(`property: a ${name} head, split anywhere`, () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(messages, fc.array(fc.nat({ max: 120 }), { maxLength: 12 }), (text, places) => {
        const expected = whole(parse, text);
        assert.deepEqual(arriving(parse, text, places), expected, JSON.stringify(text));
        seen.add(expected === undefined ? 'incomplete' : Object.keys(expected as object)[0]!);
      }),
      { numRuns: 5_000 },
    );
    assert.deepEqual([...seen].sort(), ['code', 'headBytes', 'incomplete']);
  });
}

test('property: a request head of which each read tells what was seen before', () => {
  fc.assert(
    fc.property(requests, fc.array(fc.nat({ max: 120 }), { maxLength: 12 }), (text, places) => {
      // What can no longer become a head is refused later then: when its line ends.
      const ended = `${text}\r\n\r\n`;
      const expected = whole(parseRequest, ended);
      assert.deepEqual(arriving(parseTrickling, ended, places), expected, JSON.stringify(ended));
    }),
    { numRuns: 5_000 },
  );
});

test('a head that trickles in is complete with its last octet', () => {
  for (const { message } of corpus('requests-accepted.json')) {
    const expected = whole(parseRequest, message);
    const everywhere = Array.from({ length: message.length }, (_, at) => at);
    assert.deepEqual(arriving(parseTrickling, message, everywhere), expected, message);
  }
});

test('a head that trickles in without a line end is refused at the limit', () => {
  const bytes = Buffer.from(`GET /${'x'.repeat(200)}`);
  let refusedAt = 0;
  for (let end = 1; end <= bytes.length && refusedAt === 0; end++) {
    const result = outcome(parseTrickling, bytes, end, end - 1);
    if (result !== undefined) refusedAt = end;
  }
  assert.equal(refusedAt, limits.requestLineBytes + limits.headerBytes + 4);
});

test('a bare CR in a head that trickles in is refused with the octet after it', () => {
  const bytes = Buffer.from('GET / HTTP/1.1\rX');
  assert.equal(outcome(parseTrickling, bytes, bytes.length - 1, 14), undefined);
  assert.notEqual(outcome(parseTrickling, bytes, bytes.length, 14), undefined);
});
