import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readRequest, readResponse, readTrailers } from './field-section.ts';
import { type DecodedBlock, HpackDecoder } from './hpack/decoder.ts';
import { HpackEncoder } from './hpack/encoder.ts';

const limits = { fieldBytes: 4_096, fieldCount: 20 };

/** As it comes off the wire. */
function decoded(fields: readonly string[]): DecodedBlock {
  const block = Buffer.from(new HpackEncoder().encode(fields));
  return new HpackDecoder().decode(block, 0, block.length, limits);
}

const pseudo = [':method', 'GET', ':scheme', 'https', ':authority', 'a.test', ':path', '/'];
const connect = [':method', 'CONNECT', ':authority', 'a.test:443'];
const status = [':status', '200'];

const request = (...fields: readonly string[]) => readRequest(decoded(fields), 99);
const response = (...fields: readonly string[]) => readResponse(decoded(fields), 99);
const trailers = (...fields: readonly string[]) => readTrailers(decoded(fields));

/** `pseudo` without that field, or with another value. */
function requestWith(name: string, value?: string): readonly string[] {
  const at = pseudo.indexOf(name);
  return value === undefined ? pseudo.toSpliced(at, 2) : pseudo.with(at + 1, value);
}

test('a request', () => {
  assert.deepEqual(request(...pseudo, 'accept', '*/*', 'content-length', '12', 'te', 'trailers'), {
    method: 'GET',
    scheme: 'https',
    authority: 'a.test',
    path: '/',
    fields: ['accept', '*/*', 'content-length', '12', 'te', 'trailers'],
    contentLength: 12,
    tooLarge: false,
    blockBytes: 99,
  });
});

test('requests that are lawful', () => {
  for (const fields of [
    ...[pseudo, connect, requestWith(':method', 'M-SEARCH'), requestWith(':path', '*')],
    // Whether there is a host at all, and which, is judged by the bridge.
    requestWith(':authority'),
    [...requestWith(':authority'), 'host', 'a.test'],
    [...pseudo, 'host', 'another.test'],
    [...pseudo, 'x', '', 'x', 'again', 'x', 'a\tb c\x80\xff'],
  ]) {
    assert.ok(request(...fields), JSON.stringify(fields));
  }
});

test('what an absent field reads as', () => {
  const { scheme, path, authority, contentLength, fields } = request(...connect)!;
  assert.deepEqual([scheme, path, authority, contentLength], ['', '', 'a.test:443', -1]);
  assert.deepEqual(fields, []);
  assert.equal(request(...requestWith(':authority'))!.authority, undefined);
});

test('malformed requests', () => {
  for (const [what, ...fields] of [
    ['nothing'],
    ['regular fields only', 'accept', '*/*'],
    ['no :method', ...requestWith(':method')],
    ['no :scheme', ...requestWith(':scheme')],
    ['no :path', ...requestWith(':path')],
    ['an empty :path', ...requestWith(':path', '')],
    ['an empty :method', ...requestWith(':method', '')],
    ['a :method that is no token', ...requestWith(':method', 'GE T')],
    ['a :method with a colon', ...requestWith(':method', 'GET:')],
    ['CONNECT with :scheme', ...connect, ':scheme', 'https'],
    ['CONNECT with :path', ...connect, ':path', '/'],
    ['CONNECT without :authority', ':method', 'CONNECT'],
    ['CONNECT with all of them', ...requestWith(':method', 'CONNECT')],
    ['extended CONNECT', ...requestWith(':method', 'CONNECT'), ':protocol', 'websocket'],
    ['a field of a response', ...pseudo, ':status', '200'],
    ['a pseudo field nobody knows', ...pseudo, ':other', 'x'],
    ['a pseudo field without a name', ...pseudo, ':', 'x'],
    ['a pseudo field in capitals', ...pseudo.with(6, ':PATH')],
    ['a pseudo field behind a regular one', ...requestWith(':path'), 'accept', '*/*', ':path', '/'],
    ['two hosts', ...pseudo, 'host', 'a.test', 'host', 'b.test'],
    ['the same host twice', ...pseudo, 'host', 'a.test', 'host', 'a.test'],
    ...[':method', ':scheme', ':authority', ':path'].map((name) => {
      const at = pseudo.indexOf(name);
      return [`two of ${name}`, ...pseudo, name, pseudo[at + 1]!];
    }),
  ] as string[][]) {
    assert.equal(request(...fields), undefined, what);
  }
});

test('a response', () => {
  assert.deepEqual(response(':status', '404', 'content-length', '0', 'set-cookie', 'a'), {
    status: 404,
    fields: ['content-length', '0', 'set-cookie', 'a'],
    contentLength: 0,
    tooLarge: false,
    blockBytes: 99,
  });
  for (const code of ['100', '103', '204', '299', '599']) {
    assert.equal(response(':status', code)?.status, Number(code));
  }
});

test('malformed responses', () => {
  for (const [what, ...fields] of [
    ['nothing'],
    ['no :status', 'server', 'x'],
    ['two of them', ...status, ...status],
    [':status behind a regular field', 'server', 'x', ...status],
    ['a field of a request', ...status, ':path', '/'],
    ['a pseudo field nobody knows', ...status, ':other', 'x'],
    ['101, which does not exist', ':status', '101'],
    ...['', '0', '99', '099', '600', '1000', '20', '2000', '+20', '20x', '2e2', '200 OK'].map(
      (code) => [`:status ${code}`, ':status', code],
    ),
  ] as string[][]) {
    assert.equal(response(...fields), undefined, what);
  }
});

test('trailers', () => {
  assert.deepEqual(trailers('grpc-status', '0', 'x', ''), ['grpc-status', '0', 'x', '']);
  assert.deepEqual(trailers(), []);
  for (const name of [':status', ':path', ':method', ':', ':other']) {
    assert.equal(trailers(name, '200'), undefined, name);
    assert.equal(trailers('x', '1', name, '200'), undefined, name);
  }
  assert.equal(trailers('x', 'v'.repeat(5_000)), undefined);
});

test('what is malformed in each of them', () => {
  for (const fields of [
    ...['connection', 'keep-alive', 'proxy-connection', 'upgrade'].map((one) => [one, 'x']),
    ['transfer-encoding', 'chunked'],
    ['te', 'gzip'],
    ['te', 'trailers, gzip'],
    ['te', ''],
    ['content-length', '1', 'content-length', '1'],
    ['content-length', '1', 'x', 'y', 'content-length', '2'],
    ...['1, 1', '1,1', '', '-1', '+1', '01', '00', '1.0', '0x1', '1e3', ' 1', '1 ', '٣'].map(
      (length) => ['content-length', Buffer.from(length).toString('latin1')],
    ),
    ['content-length', '9007199254740992'],
    ['content-length', '99999999999999999999'],
    ...['X', 'Accept', 'a b', 'a:', 'ä', 'a\0', 'a\r\nb', '', 'a\x7f'].map((one) => [one, 'v']),
    ...[' v', 'v ', '\tv', 'v\t', ' ', 'a\0', 'a\rb', 'a\nb', '\r\n', 'a\x7f', '\x1b'].map(
      (one) => ['x', one],
    ),
  ] as string[][]) {
    const what = JSON.stringify(fields);
    assert.equal(request(...pseudo, ...fields), undefined, what);
    assert.equal(response(...status, ...fields), undefined, what);
    assert.equal(trailers(...fields), undefined, what);
  }
  assert.equal(request(...requestWith(':path', '/a\r\nx: y')), undefined);
  assert.equal(request(...requestWith(':authority', 'a.test\0')), undefined);
  assert.equal(request(...requestWith(':scheme', ' https')), undefined);
});

test('content-length, up to what a number can hold', () => {
  for (const length of [0, 1, 65_536, Number.MAX_SAFE_INTEGER]) {
    const section = request(...pseudo, 'content-length', String(length))!;
    assert.equal(section.contentLength, length);
    assert.deepEqual(section.fields, ['content-length', String(length)]);
  }
});

test('cookies that come in parts are one line, where the first was', () => {
  for (const [parts, whole] of [
    [['a=1'], 'a=1'],
    [['a=1', 'b=2', 'c=3; d=4'], 'a=1; b=2; c=3; d=4'],
    [['a=1', '', 'b=2', ''], 'a=1; b=2'],
    [['', 'a=1', ''], 'a=1'],
    [['', ''], ''],
  ] as const) {
    const crumbs = parts.flatMap((part) => ['cookie', part, 'x', '1']);
    const others = parts.flatMap(() => ['x', '1']);
    const { fields } = request(...pseudo, ...crumbs)!;
    assert.deepEqual(fields, ['cookie', whole, ...others]);
  }
});

test('beyond the limits: what there is of it, so that it can be answered', () => {
  const long = request(...pseudo, 'x', 'v'.repeat(5_000))!;
  assert.equal(long.tooLarge, true);
  assert.deepEqual([long.method, long.path, long.fields], ['GET', '/', []]);
  const path = request(...requestWith(':path', `/${'v'.repeat(5_000)}`))!;
  assert.deepEqual([path.tooLarge, path.method, path.path], [true, 'GET', '']);
  const first = request(':path', `/${'v'.repeat(5_000)}`, ...requestWith(':path'))!;
  assert.deepEqual([first.tooLarge, first.method], [true, '']);
  assert.equal(request(...requestWith(':method', 'G T'), 'x', 'v'.repeat(5_000)), undefined);
  assert.equal(response(...status, 'x', 'v'.repeat(5_000))!.tooLarge, true);
});

test('property: whatever comes, what is read could be said in HTTP/1.1', () => {
  const name = fc.oneof(
    fc.constantFrom(...pseudo.filter((_, at) => at % 2 === 0), ':status', 'te', 'cookie', 'host'),
    fc.constantFrom('content-length', 'connection', 'x', 'X', 'x y', '', ':', 'a\n'),
  );
  const value = fc.oneof(
    fc.constantFrom('GET', 'https', '/', '200', 'trailers', '1', 'a\r\nb: c', ' ', '', '\0'),
    fc.string({ unit: fc.nat(255).map((octet) => String.fromCharCode(octet)), maxLength: 4 }),
  );
  const fields = fc.array(fc.tuple(name, value), { maxLength: 4 }).map((pairs) => pairs.flat());
  fc.assert(
    fc.property(fields, (some) => {
      for (const section of [request(...pseudo, ...some), response(...status, ...some)]) {
        if (!section) continue;
        const lines: string[] = [];
        for (let at = 0; at < section.fields.length; at += 2) {
          lines.push(`${section.fields[at]}: ${section.fields[at + 1]}`);
        }
        for (const line of lines)
          assert.match(line, /^[!-9;-~]+: (?:[!-~\x80-\xff][\t -~\x80-\xff]*)?$/);
        const names = lines.map((line) => line.split(':', 1)[0]!);
        for (const once of ['cookie', 'content-length']) {
          assert.ok(names.indexOf(once) === names.lastIndexOf(once));
        }
        assert.ok(!names.includes('connection'));
      }
    }),
    { numRuns: 2_000 },
  );
});
