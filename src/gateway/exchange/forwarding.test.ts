import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultWireLimits } from '../http1/limits.ts';
import { parseRequestHead } from '../http1/request-parser.ts';
import { RandomHex } from '../random-hex.ts';
import { ConnectionOrigin, hopsOf, identify, ownLines, plainAddress } from './forwarding.ts';
import { parseTraceParent } from './trace.ts';

const random = new RandomHex();
const entrance = { protocol: 'https', http2: false, redirect: undefined, gone: false } as const;
const outside = new ConnectionOrigin({ ...entrance, name: 'partners' }, '2001:db8::1');
const link = new ConnectionOrigin({ ...entrance, name: 'link' }, '10.0.0.1', 'us');

function head(fields: string) {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a.test:8443\r\n${fields}\r\n`);
  return parseRequestHead(bytes, 0, bytes.length, defaultWireLimits)!;
}

test('identity from the link is believed, from outside it is ours', () => {
  const claimed = head('X-Request-Id: abc\r\nMeridian-Client: 192.0.2.7\r\n');
  const believed = identify(claimed, link, random);
  assert.deepEqual([believed.requestId, believed.clientAddress], ['abc', '192.0.2.7']);
  const own = identify(claimed, outside, random);
  assert.match(own.requestId, /^[0-9a-f]{32}$/);
  assert.equal(own.clientAddress, '2001:db8::1');
  const odd = identify(head('X-Request-Id: a b\r\nMeridian-Client: nobody\r\n'), link, random);
  assert.match(odd.requestId, /^[0-9a-f]{32}$/);
  assert.equal(odd.clientAddress, '10.0.0.1');
});

test('hops: none from outside whatever is said, at least one from the link', () => {
  const claims = ['', 'Meridian-Hop: 1\r\n', 'Meridian-Hop: 3\r\n', 'Meridian-Hop: 0\r\n'];
  assert.deepEqual(
    claims.map((claim) => hopsOf(head(claim), outside)),
    [0, 0, 0, 0],
  );
  assert.deepEqual(
    claims.map((claim) => hopsOf(head(claim), link)),
    [1, 1, 3, undefined],
  );
});

test('Forwarded quotes an IPv6 client and the host', () => {
  const lines = ownLines(head(''), outside, identify(head(''), outside, random), 'eu');
  assert.match(lines, /^Forwarded: for="\[2001:db8::1\]";proto=https;host="a\.test:8443"\r$/m);
  assert.match(lines, /^X-Forwarded-Host: a\.test:8443\r$/m);
  const relayed = ownLines(head(''), link, identify(head(''), link, random), 'eu');
  assert.doesNotMatch(relayed, /forwarded/i);
});

test('IPv4 clients of a dual-stack listener are IPv4', () => {
  assert.equal(plainAddress('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(plainAddress('::ffff:0:1'), '::ffff:0:1');
});

test('traceparent: valid ones are continued, others are as if they were not there', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const span = '00f067aa0ba902b7';
  const zeros = '0'.repeat(32);
  assert.deepEqual(parseTraceParent(`00-${trace}-${span}-01`), {
    traceId: trace,
    parentId: span,
    flags: '01',
  });
  assert.equal(parseTraceParent(`cc-${trace}-${span}-01-what-comes`)?.traceId, trace);
  const bad = [
    undefined,
    '',
    `00-${zeros}-${span}-01`,
    `00-${trace}-${zeros.slice(16)}-01`,
    `ff-${trace}-${span}-01`,
    `00-${trace}-${span}-01-more`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${trace}-${span}`,
  ];
  for (const text of bad) assert.equal(parseTraceParent(text), undefined, text);
});

test('random identifiers do not repeat when the pool is refilled', () => {
  const seen = new Set(Array.from({ length: 5_000 }, () => random.next(8)));
  assert.equal(seen.size, 5_000);
});
