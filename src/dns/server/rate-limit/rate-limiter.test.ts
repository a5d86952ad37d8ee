import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../steering/network.ts';
import { RateLimiter, type RateLimitSettings, responseKind } from './rate-limiter.ts';
import { RateTable } from './rate-table.ts';

const settings: RateLimitSettings = {
  responses: 10,
  windowSeconds: 5,
  slip: 2,
  ipv4PrefixBits: 24,
  ipv6PrefixBits: 56,
  exempt: ['127.0.0.0/8', '2001:db8:ffff::/50'],
};
const { answer, absence, error } = responseKind;

function limiter(changes: Partial<RateLimitSettings> = {}, table = new RateTable()) {
  const limits = new RateLimiter(table);
  limits.configure({ ...settings, ...changes });
  const ask = (address: string, nowMs: number, kind: 1 | 2 | 3 | 4 = answer, name = 1) =>
    limits.judge(parseAddress(address)!, kind, name, nowMs);
  const flood = (address: string, count: number, nowMs = 0) =>
    Array.from({ length: count }, () => ask(address, nowMs));
  return { limits, ask, flood };
}

const sent = (verdicts: readonly string[]) => verdicts.filter((one) => one === 'send').length;

test('a second of responses at once, then every second denial is a short answer', () => {
  const { flood } = limiter();
  assert.deepEqual(flood('192.0.2.1', 14).slice(9), ['send', 'drop', 'short', 'drop', 'short']);
  const strict = limiter({ slip: 0 }).flood('192.0.2.1', 40).slice(10);
  assert.ok(strict.every((verdict) => verdict === 'drop'));
  const gentle = limiter({ slip: 1 }).flood('192.0.2.1', 40).slice(10);
  assert.ok(gentle.every((verdict) => verdict === 'short'));
});

test('below the rate nobody is denied, for as long as you like', () => {
  const { ask } = limiter();
  for (let nowMs = 0; nowMs < 100_000; nowMs += 100) assert.equal(ask('192.0.2.1', nowMs), 'send');
});

test('credit grows to one second and no further', () => {
  const { flood } = limiter();
  assert.equal(sent(flood('192.0.2.1', 100, 3_600_000)), 10);
  assert.equal(sent(flood('192.0.2.1', 100, 7_200_000)), 10);
});

test('after a flood nothing for as long as it is remembered, and then again', () => {
  const { ask, flood } = limiter();
  flood('192.0.2.1', 1_000);
  assert.notEqual(ask('192.0.2.1', 4_900), 'send');
  assert.equal(ask('192.0.2.1', 5_300), 'send');
});

test('networks, kinds and names are counted apart; the addresses of one network together', () => {
  const { ask, flood } = limiter();
  flood('192.0.2.1', 100);
  assert.notEqual(ask('192.0.2.255', 0), 'send');
  assert.equal(ask('192.0.3.1', 0), 'send');
  assert.equal(ask('192.0.2.1', 0, absence), 'send');
  assert.equal(ask('192.0.2.1', 0, error), 'send');
  assert.equal(ask('192.0.2.1', 0, answer, 2), 'send');
  flood('2001:db8:0:100::1', 100);
  assert.notEqual(ask('2001:db8:0:1ff:ffff::', 0), 'send');
  assert.equal(ask('2001:db8:0:200::1', 0), 'send');
  const odd = limiter({ ipv4PrefixBits: 22 });
  odd.flood('192.0.2.1', 100);
  assert.notEqual(odd.ask('192.0.3.1', 0), 'send');
  assert.equal(odd.ask('192.0.4.1', 0), 'send');
});

test('networks that are exempt are never denied, their neighbours are', () => {
  const { flood } = limiter();
  assert.equal(sent(flood('127.255.0.1', 1_000)), 1_000);
  assert.equal(sent(flood('128.0.0.1', 1_000)), 10);
  assert.equal(sent(flood('2001:db8:ffff:3fff::1', 1_000)), 1_000);
  assert.equal(sent(flood('2001:db8:ffff:4000::1', 1_000)), 10);
});

test('threads share what they count', () => {
  const table = new RateTable();
  const one = limiter({}, table);
  const two = limiter({}, new RateTable(table.buffer));
  assert.equal(sent([...one.flood('192.0.2.1', 6), ...two.flood('192.0.2.1', 100)]), 10);
});

test('a flood from 500,000 networks does not wash out who is in debt, and denies nobody else', () => {
  const { limits, ask, flood } = limiter();
  flood('192.0.2.1', 1_000);
  const address = new Uint8Array(4);
  const view = new DataView(address.buffer);
  for (let network = 0; network < 500_000; network++) {
    view.setUint32(0, (11 << 24) + (network << 8));
    assert.equal(limits.judge(address, answer, 1, 1_000), 'send');
  }
  assert.notEqual(ask('192.0.2.1', 1_000), 'send');
});

test('as many networks as the table holds half of are each held to their limit', () => {
  const { limits } = limiter();
  const address = new Uint8Array(4);
  const view = new DataView(address.buffer);
  let passed = 0;
  for (let query = 0; query < 20 * 32_768; query++) {
    view.setUint32(0, (11 << 24) + ((query % 32_768) << 8));
    if (limits.judge(address, answer, 1, 1_000) === 'send') passed++;
  }
  assert.ok(passed >= 10 * 32_768 && passed < 11 * 32_768, `${passed} sent`);
});

test('time that goes round after 25 days, or is a little behind, is no debt', () => {
  const { ask } = limiter();
  for (let step = 0; step < 1_000; step++) {
    const backAndForth = step * 200 - (step % 2) * 250;
    assert.equal(ask('192.0.2.1', 2 ** 31 - 50_000 + step * 100), 'send');
    assert.equal(ask('192.0.3.1', 2 ** 32 - 50_000 + backAndForth), 'send');
  }
});

test('a debt of months ago is none', () => {
  const { ask, flood } = limiter();
  for (const days of [1, 20, 30, 45]) {
    const thenMs = days * 1e9;
    flood('192.0.2.1', 1_000, thenMs);
    assert.equal(ask('192.0.2.1', thenMs + days * 86_400_000), 'send', `${days} days`);
  }
});

test('another configuration counts on, and none denies nobody', () => {
  const { limits, ask, flood } = limiter();
  flood('192.0.2.1', 1_000);
  limits.configure({ ...settings, responses: 20 });
  assert.notEqual(ask('192.0.2.1', 0), 'send');
  limits.configure(undefined);
  assert.equal(ask('192.0.2.1', 0), 'send');
});
