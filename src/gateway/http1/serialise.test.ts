import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { findField } from './fields.ts';
import { defaultWireLimits as limits } from './limits.ts';
import { parseRequestHead, type RequestHead } from './request-parser.ts';
import { parseResponseHead, type ResponseHead } from './response-parser.ts';
import {
  chunkHeader,
  fieldLine,
  lastChunk,
  lastChunkWith,
  type OutgoingRequest,
  serialiseRequestHead,
  serialiseResponseHead,
} from './serialise.ts';

function request(text: string): RequestHead {
  const bytes = Buffer.from(text, 'latin1');
  const head = parseRequestHead(bytes, 0, bytes.length, limits);
  assert.equal(head?.headBytes, bytes.length);
  return head;
}

function response(text: string, method = 'GET'): ResponseHead {
  const bytes = Buffer.from(text, 'latin1');
  const head = parseResponseHead(bytes, 0, bytes.length, limits, method);
  assert.equal(head?.headBytes, bytes.length);
  return head;
}

function forward(head: RequestHead, changes: Partial<OutgoingRequest> = {}): string {
  return serialiseRequestHead({
    method: head.method,
    target: head.path + head.query,
    authority: head.authority,
    head,
    fields: head.fields,
    body: head.body,
    extra: '',
    strip: 'outside',
    ...changes,
  });
}

const lines = (...all: string[]) => `${all.join('\r\n')}\r\n\r\n`;

/** Sent by someone who would like to be believed. */
const forged = [
  'Meridian-Hop: 1',
  'meridian-client: 192.0.2.1',
  'MERIDIAN_ORIGIN_REGION: x',
  'Meridian-Anything-New: x',
  'X-Request-Id: x',
  'x_request_id: x',
  'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
];
const forwarding = [
  'X-Forwarded-For: 192.0.2.1',
  'x-forwarded-proto: https',
  'X-Forwarded-Host: b.test',
  'X_Forwarded_For: 192.0.2.1',
  'X-Forwarded-Anything: x',
  'Forwarded: for=192.0.2.1',
  'X-Real-IP: 192.0.2.1',
];
const hopByHop = [
  'Keep-Alive: timeout=5',
  'Proxy-Connection: keep-alive',
  'Proxy-Authorization: Basic x',
  'TE: trailers',
  'Trailer: A',
  'Upgrade: h2c',
  'HTTP2-Settings: x',
];

test('a request from outside loses what is for this connection and what it may not claim', () => {
  const head = request(
    lines(
      'POST /x?y HTTP/1.1',
      'Host: a.test',
      'Connection: X-Named, close',
      'Content-Length: 3',
      'x-named: 1',
      'Accept: */*',
      'Authorization: Bearer x',
      'Cookie: a=b',
      'tracestate: a=b',
      ...forged,
      ...forwarding,
      ...hopByHop,
    ),
  );
  assert.equal(
    forward(head, { extra: 'X-Forwarded-For: 203.0.113.9\r\n' }),
    lines(
      'POST /x?y HTTP/1.1',
      'Host: a.test',
      'Content-Length: 3',
      'Accept: */*',
      'Authorization: Bearer x',
      'Cookie: a=b',
      'tracestate: a=b',
      'X-Forwarded-For: 203.0.113.9',
    ),
  );
});

test('a request from the link keeps its forwarding fields, and nothing else more', () => {
  const head = request(
    lines('GET / HTTP/1.1', 'Host: a.test', ...forged, ...forwarding, ...hopByHop),
  );
  assert.equal(
    forward(head, { strip: 'link' }),
    lines('GET / HTTP/1.1', 'Host: a.test', ...forwarding),
  );
});

test('Connection cannot take away what the gateway adds, nor framing and Host', () => {
  const head = request(
    lines(
      'POST / HTTP/1.1',
      'Host: a.test',
      'Connection: x-forwarded-for, x-verified-user, host, content-length, transfer-encoding',
      'X-Verified-User: forged',
      'Content-Length: 3',
    ),
  );
  const extra = fieldLine('X-Forwarded-For', '203.0.113.9') + fieldLine('X-Verified-User', 'ann');
  assert.equal(
    forward(head, { extra }),
    lines(
      'POST / HTTP/1.1',
      'Host: a.test',
      'Content-Length: 3',
      'X-Forwarded-For: 203.0.113.9',
      'X-Verified-User: ann',
    ),
  );
});

test('framing of a request is made anew from the body that is sent', () => {
  const head = request(lines('POST / HTTP/1.1', 'Host: a.test', 'Transfer-Encoding: chunked'));
  assert.match(forward(head), /\r\nTransfer-Encoding: chunked\r\n/);
  const counted = forward(head, { body: { kind: 'length', length: 7 } });
  assert.match(counted, /\r\nContent-Length: 7\r\n/);
  assert.doesNotMatch(counted, /Transfer-Encoding/);
  assert.doesNotMatch(forward(head, { body: { kind: 'none' } }), /Content-Length|Transfer/);
});

test('Expect goes along unless the gateway has answered it', () => {
  const head = request(
    lines('POST / HTTP/1.1', 'Host: a.test', 'Content-Length: 1', 'Expect: 100-continue'),
  );
  assert.equal(forward(head).match(/Expect: 100-continue\r\n/g)?.length, 1);
  assert.doesNotMatch(forward(head, { expectContinue: false }), /Expect/);
});

test('a part that could split a head is refused', () => {
  const head = request(lines('GET / HTTP/1.1', 'Host: a.test'));
  for (const changes of [
    { method: 'GET /' },
    { method: '' },
    { target: '/a b' },
    { target: '/\r\nA: b' },
    { target: '/\u010d\u010a' },
    { authority: 'a\r\nb: c' },
  ]) {
    assert.throws(() => forward(head, changes), { code: 'unsafe_head' }, JSON.stringify(changes));
  }
  for (const value of ['a\r\nb', 'a\nb', 'a\0', '\u010a', 'a\u{1f600}']) {
    assert.throws(() => fieldLine('A', value), { code: 'unsafe_head' });
  }
  for (const name of ['', 'A:', 'A B', 'A\r', '\u010a']) {
    assert.throws(() => fieldLine(name, 'x'), { code: 'unsafe_head' });
  }
});

test('a response loses what is for this connection and what only a gateway may say', () => {
  const head = response(
    lines(
      'HTTP/1.1 200 Fine',
      'Content-Type: text/plain',
      'Connection: X-Named',
      'X-Named: 1',
      'Content-Length: 3',
      'Set-Cookie: a=b',
      'Set-Cookie: c=d',
      'Meridian-Region: forged',
      'Meridian-Other: forged',
      'X-Request-Id: forged',
      'Proxy-Authenticate: Basic',
      ...hopByHop,
    ),
  );
  const out = { head, body: head.body, keepAlive: true, fromPeer: false };
  const extra = 'Meridian-Region: eu\r\n';
  const kept = ['Content-Type: text/plain', 'Set-Cookie: a=b', 'Set-Cookie: c=d'];
  assert.equal(
    serialiseResponseHead({ ...out, extra }),
    lines('HTTP/1.1 200 Fine', 'Content-Length: 3', ...kept, 'Meridian-Region: eu'),
  );
  assert.equal(
    serialiseResponseHead({ ...out, extra: '', fromPeer: true }),
    lines('HTTP/1.1 200 Fine', 'Content-Length: 3', ...kept, 'Meridian-Region: forged'),
  );
});

test('the Connection line of a response', () => {
  const head = response(lines('HTTP/1.1 200 OK', 'Content-Length: 0'));
  const line = (changes: object) =>
    /Connection: (.*)\r\n/.exec(
      serialiseResponseHead({
        head,
        body: head.body,
        keepAlive: true,
        extra: '',
        fromPeer: false,
        ...changes,
      }),
    )?.[1];
  assert.equal(line({}), undefined);
  assert.equal(line({ keepAlive: false }), 'close');
  assert.equal(line({ clientMinor: 0 }), 'keep-alive');
  assert.equal(line({ clientMinor: 0, keepAlive: false }), 'close');
  assert.equal(line({ body: { kind: 'close' } }), 'close');
  const interim = response(lines('HTTP/1.1 103 Early Hints', 'Link: </a>'));
  assert.equal(line({ head: interim, body: interim.body, keepAlive: false }), undefined);
});

test('a response without body keeps the length that describes it, where it may', () => {
  const text = (head: ResponseHead) =>
    serialiseResponseHead({ head, body: head.body, keepAlive: true, extra: '', fromPeer: false });
  const length = ['Content-Length: 3'];
  assert.match(text(response(lines('HTTP/1.1 200 OK', ...length), 'HEAD')), /Content-Length: 3/);
  assert.match(text(response(lines('HTTP/1.1 304 Not Modified', ...length))), /Content-Length: 3/);
  const empty = response(lines('HTTP/1.1 204 No Content', 'Content-Length: 0'));
  assert.doesNotMatch(text(empty), /Content-Length/);
});

test('chunks and trailers', () => {
  assert.equal(chunkHeader(255), 'ff\r\n');
  assert.equal(lastChunkWith([]), lastChunk);
  const trailers = ['Checksum', 'x', 'Authorization', 'y', 'X-Forwarded-For', 'z', 'Host', 'h'];
  assert.equal(lastChunkWith(trailers), '0\r\nChecksum: x\r\n\r\n');
  assert.equal(lastChunkWith(['Content-Length', '1', 'TE', 'x', 'If-Match', 'y']), lastChunk);
});

test('findField compares names without case and gives the first', () => {
  const fields = ['Accept', '1', 'ETAG', '2', 'etag', '3'];
  assert.equal(findField(fields, 'etag'), '2');
  assert.equal(findField(fields, 'accept'), '1');
  assert.equal(findField(fields, '2'), undefined);
});

test('every accepted request, forwarded, is again a request, with the same content', () => {
  const url = new URL('./testdata/requests-accepted.json', import.meta.url);
  const corpus: { message: string }[] = JSON.parse(readFileSync(url, 'utf8'));
  for (const { message } of corpus) {
    const head = request(message.slice(0, message.indexOf('\r\n\r\n', 4) + 4));
    if (head.authority !== '') assertSame(head);
  }
});

/** Forwarding is a fixed point: what was forwarded once is forwarded as it is. */
function assertSame(head: RequestHead): void {
  const text = forward(head);
  const again = request(text);
  for (const key of ['method', 'path', 'query', 'host', 'authority', 'body'] as const) {
    assert.deepEqual(again[key], head[key], key);
  }
  assert.equal(again.expectContinue, head.expectContinue);
  assert.equal(again.keepAlive, true);
  assert.equal(forward(again), text);
}

const token = fc.string({
  unit: fc.constantFrom(..."!#$%&'*+-.^_`|~019azAZ"),
  minLength: 1,
  maxLength: 12,
});
const value = fc
  .string({ unit: fc.constantFrom(...' \tab:,;="\\~\x80\xa0\xff'), maxLength: 12 })
  .map((text) => text.replace(/^[ \t]+|[ \t]+$/g, ''));
const framing = /^(host|connection|content-length|transfer-encoding|expect)$/i;
const field = fc.tuple(
  token.filter((name) => !framing.test(name)),
  value,
);
const framings = fc.constantFrom('', 'Content-Length: 12\r\n', 'transfer-encoding: chunked\r\n');

test('property: serialise(parse(request)) is the same request', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('GET', 'POST', 'X-y'),
      fc
        .string({ unit: fc.constantFrom(...'aZ0/.%2~@:'), maxLength: 12 })
        .map((path) => `/${path}`),
      fc.array(field, { maxLength: 6 }),
      framings,
      (method, path, fields, framed) => {
        const sent = fields.map(([name, text]) => `${name}:${text}\r\n`).join('');
        const head = request(`${method} ${path} HTTP/1.1\r\nHost: a.test\r\n${framed}${sent}\r\n`);
        assert.equal(head.path, path);
        const framingFields = framed === '' ? 0 : 1;
        assert.deepEqual(head.fields.slice(2 + 2 * framingFields), fields.flat());
        assertSame(head);
      },
    ),
  );
});

test('property: serialise(parse(response)) is the same response', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 200, max: 599 }).filter((status) => status !== 204 && status !== 304),
      value,
      fc.array(field, { maxLength: 6 }),
      framings,
      (status, reason, fields, framed) => {
        const sent = fields.map(([name, text]) => `${name}: ${text}\r\n`).join('');
        const head = response(`HTTP/1.1 ${status} ${reason}\r\n${framed}${sent}\r\n`);
        const out = { body: head.body, keepAlive: head.keepAlive, extra: '', fromPeer: false };
        const text = serialiseResponseHead({ ...out, head });
        const again = response(text);
        for (const key of ['status', 'reason', 'body', 'keepAlive', 'contentLength'] as const) {
          assert.deepEqual(again[key], head[key], key);
        }
        assert.equal(serialiseResponseHead({ ...out, head: again }), text);
      },
    ),
  );
});

test('property: no CR or LF enters through a field, whatever octets were received', () => {
  const unit = fc.constantFrom('\r', '\n', '\r\n', '\0', ':', ' ', '\t', 'a', 'B', '\x8d', '\x8a');
  let accepted = 0;
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), (noise) => {
      const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a.test\r\nA: ${noise}\r\n\r\n`, 'latin1');
      let head: RequestHead | undefined;
      try {
        head = parseRequestHead(bytes, 0, bytes.length, limits);
      } catch {
        return;
      }
      assert.ok(head);
      accepted++;
      const text = forward(head);
      assert.equal(text.match(/[\r\n]/g)!.length, 2 * (head.fields.length / 2 + 2));
      assert.doesNotMatch(text.replaceAll('\r\n', ''), /[\r\n\0]/);
    }),
    { numRuns: 2_000 },
  );
  assert.ok(accepted > 50, `only ${accepted} were accepted`);
});
