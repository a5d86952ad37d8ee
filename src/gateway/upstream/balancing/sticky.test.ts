import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../../base/manual-clock.ts';
import { RoundRobin } from './round-robin.ts';
import { Sticky } from './sticky.ts';
import { StickyCookie } from './sticky-cookie.ts';
import { endpointsOf, FakeLoads, keyOf } from './testdata/endpoints.ts';

const secret = Buffer.from('0123456789abcdef0123456789abcdef');
const lifetimeMs = 3_600_000;
const weights = [1, 1, 1, 1, 0];

function world(of = secret, service = 'orders') {
  const endpoints = endpointsOf(weights);
  const clock = new ManualClock();
  const loads = new FakeLoads();
  const cookie = new StickyCookie(of, service);
  const sticky = new Sticky({
    endpoints,
    regionName: 'eu',
    placement: new RoundRobin(endpoints),
    cookie,
    cookieName: 'sid',
    lifetimeMs,
    wallMs: () => clock.wallMs(),
  });
  const next = (value: string | undefined, tried: number[] = []) => {
    const fields = value === undefined ? [] : ['Cookie', `a=b; sid=${value}`];
    const request = keyOf({ fields });
    const endpoint = sticky.next(request, loads, tried, false)!;
    return { index: endpoint.index, line: sticky.cookieLine(request, endpoint), request };
  };
  /** A cookie for that endpoint, of now. */
  const cookieFor = (index: number) => cookieIn(sticky.cookieLine(keyOf(), endpoints[index]!)!);
  return { sticky, endpoints, clock, loads, cookie, next, cookieFor };
}

function cookieIn(line: string): string {
  return /^Set-Cookie: sid=([\w-]+);/.exec(line)![1]!;
}

test('a client comes back to the endpoint of its first request', () => {
  const { next } = world();
  for (let n = 0; n < 8; n++) {
    const first = next(undefined);
    const value = cookieIn(first.line!);
    for (let again = 0; again < 3; again++) {
      const { index, line } = next(value);
      assert.equal(index, first.index);
      assert.equal(line, undefined, 'it has its cookie');
    }
  }
});

test('the line says what browsers need to know, Secure over TLS only', () => {
  const { sticky, endpoints } = world();
  const line = (secure: boolean) => sticky.cookieLine(keyOf({ secure }), endpoints[0]!)!;
  assert.match(
    line(false),
    /^Set-Cookie: sid=[\w-]{38}; Path=\/; Max-Age=3600; HttpOnly; SameSite=Lax\r\n$/,
  );
  assert.match(line(true), /; SameSite=Lax; Secure\r\n$/);
});

test('forged, expired, of another secret, service or region: placed anew, with a new cookie', () => {
  const { next, cookieFor, cookie, clock } = world();
  const nowMs = clock.wallMs();
  const expiresMs = nowMs + lifetimeMs;
  const id = cookie.idOf('eu', '10.0.0.3:80');
  const placedAnew = (value: string, why: string) => {
    // Round robin would come to endpoint 3 once in four times.
    const places = Array.from({ length: 4 }, () => next(value));
    assert.deepEqual(places.map(({ index }) => index).toSorted(), [0, 1, 2, 3], why);
    assert.ok(
      places.every(({ line }) => line !== undefined),
      why,
    );
  };
  assert.equal(next(cookieFor(3)).index, 3);
  assert.equal(next(cookie.seal({ id, expiresMs })).index, 3);
  placedAnew('', 'empty');
  placedAnew('x'.repeat(38), 'no cookie of ours');
  placedAnew(`${cookieFor(3)}A`, 'longer');
  placedAnew(cookie.seal({ id, expiresMs: nowMs }), 'expired');
  placedAnew(new StickyCookie(Buffer.alloc(32, 1), 'orders').seal({ id, expiresMs }), 'secret');
  placedAnew(new StickyCookie(secret, 'rates').seal({ id, expiresMs }), 'service');
  placedAnew(cookie.seal({ id: cookie.idOf('us', '10.0.0.3:80'), expiresMs }), 'region');
});

test('what others have set under its name before does not take a client from its endpoint', () => {
  const { next, cookieFor } = world();
  const genuine = cookieFor(3);
  for (const tossed of ['x', `${'x'.repeat(38)}; sid=`, 'x; b=c; sid=; sid=y']) {
    const { index, line } = next(`${tossed}; sid=${genuine}; d=e`);
    assert.equal(index, 3);
    assert.equal(line, undefined);
  }
  const many = Array.from({ length: 16 }, () => next(`${'x; sid='.repeat(20)}${genuine}`).index);
  assert.ok(new Set(many).size > 1, 'only a few are looked at');
});

test('whichever bit is turned, a cookie is good no more', () => {
  const { cookie, clock } = world();
  const nowMs = clock.wallMs();
  const value = cookie.seal({ id: '00112233445566ff', expiresMs: nowMs + 10_000 });
  const bytes = Buffer.from(value, 'base64url');
  assert.equal(bytes.length, 28);
  assert.deepEqual(cookie.open(value, nowMs)?.id, '00112233445566ff');
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const forged = Buffer.from(bytes);
    forged[bit >> 3]! ^= 1 << (bit & 7);
    assert.equal(cookie.open(forged.toString('base64url'), nowMs), undefined, `bit ${bit}`);
  }
});

test('no text opens but what was sealed', () => {
  const { cookie } = world();
  fc.assert(
    fc.property(fc.string({ minLength: 30, maxLength: 45, unit: 'binary' }), (text) => {
      assert.equal(cookie.open(text, 0), undefined);
    }),
  );
});

test('neither cookie nor identifier shows an address, and identifiers differ by secret', () => {
  const { cookie } = world();
  const other = new StickyCookie(Buffer.alloc(32, 2), 'orders');
  assert.match(cookie.idOf('eu', '10.0.0.3:80'), /^[0-9a-f]{16}$/);
  assert.notEqual(cookie.idOf('eu', '10.0.0.3:80'), other.idOf('eu', '10.0.0.3:80'));
});

test('in the second half of its life a cookie is renewed, and its endpoint stays', () => {
  const { next, cookieFor, clock } = world();
  const value = cookieFor(2);
  clock.advance(lifetimeMs / 2 - 2_000);
  assert.equal(next(value).line, undefined);
  clock.advance(4_000);
  const { index, line } = next(value);
  assert.equal(index, 2);
  const renewed = cookieIn(line!);
  clock.advance(lifetimeMs - 10_000);
  assert.notEqual(next(value).line, undefined, 'the old one has expired');
  assert.equal(next(renewed).index, 2);
});

test('an endpoint that is ejected or was tried is left, and the client is told', () => {
  const { next, cookieFor, loads } = world();
  const value = cookieFor(1);
  const retried = next(value, [1]);
  assert.notEqual(retried.index, 1);
  assert.equal(next(cookieIn(retried.line!)).index, retried.index);
  loads.out.add(1);
  assert.notEqual(next(value).index, 1);
  loads.out.clear();
  assert.equal(next(value).index, 1);
});

test('weight 0 keeps the clients that are there, and takes no others', () => {
  const { next, cookieFor } = world();
  assert.equal(next(cookieFor(4)).index, 4);
  for (let n = 0; n < 8; n++) assert.notEqual(next(undefined).index, 4);
});

test('a request whose endpoint is here and takes requests does not leave the region', () => {
  const { sticky, next, cookieFor, loads } = world();
  const { request } = next(cookieFor(1));
  assert.equal(sticky.holds(request, loads), true);
  assert.equal(sticky.holds(keyOf(), loads), false);
  loads.out.add(1);
  assert.equal(sticky.holds(request, loads), false);
});
