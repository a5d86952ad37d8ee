import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KnownName } from './known-name.ts';

const minute = 60_000;
const day = 24 * 60 * minute;
const answer = (ttlMs: number, ...addresses: string[]) => ({ addresses, ttlMs });

test('is asked for again after its TTL, within a second and five minutes, a little jittered', () => {
  const againMs = (ttlMs: number, jitter: number) =>
    new KnownName().answered(answer(ttlMs, '192.0.2.1'), 0, jitter).againMs;
  assert.equal(againMs(60_000, 0), 60_000);
  assert.equal(againMs(60_000, 0.5), 57_000);
  assert.equal(againMs(0, 0.5), 1_000);
  assert.equal(againMs(1_000, 0.9), 1_000);
  assert.equal(againMs(86_400_000, 0), 300_000);
});

test('addresses that are not in the next answer are gone', () => {
  const known = new KnownName();
  assert.deepEqual(known.answered(answer(1, 'a', 'b'), 0, 0).gone, []);
  assert.deepEqual(known.answered(answer(1, 'c', 'b'), 1, 0).gone, ['a']);
  assert.deepEqual(known.addresses, ['c', 'b']);
});

test('every address has its turn, IPv4 before IPv6', () => {
  const known = new KnownName();
  assert.deepEqual(known.rotated(), []);
  known.answered(answer(1, '192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2'), 0, 0);
  const firsts = [known.rotated(), known.rotated(), known.rotated()];
  assert.deepEqual(firsts[0], ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8::2']);
  assert.deepEqual(firsts[1], ['192.0.2.2', '192.0.2.1', '2001:db8::2', '2001:db8::1']);
  assert.deepEqual(firsts[2], firsts[0]);
});

test('in silence the last addresses are kept for a day', () => {
  const known = new KnownName();
  known.answered(answer(1_000, 'a'), 0, 0);
  const pauses = [1, 2, 3, 4, 5, 6, 7].map((n) => known.failed(false, n * 1_000).againMs);
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  assert.deepEqual(known.failed(false, day - 1).gone, []);
  assert.deepEqual(known.addresses, ['a']);
  assert.equal(known.ageMs(day - 1), day - 1);
  assert.deepEqual(known.failed(false, day).gone, ['a']);
  assert.deepEqual(known.addresses, []);
});

test('that there is no such name is believed when it has been said for a minute', () => {
  const known = new KnownName();
  known.answered(answer(1_000, 'a'), 0, 0);
  known.failed(true, 10_000);
  assert.deepEqual(known.failed(true, 10_000 + minute - 1).gone, []);
  known.failed(false, 10_000 + minute);
  known.failed(true, 11_000 + minute);
  assert.deepEqual(known.addresses, ['a'], 'a silence in between begins it anew');
  assert.deepEqual(known.failed(true, 11_000 + 2 * minute).gone, ['a']);
});

test('an answer ends all that failed before', () => {
  const known = new KnownName();
  known.failed(true, 0);
  assert.equal(known.rests(999), true);
  assert.equal(known.rests(1_000), false);
  known.answered(answer(1_000, 'a'), 1_000, 0);
  assert.equal(known.rests(1_001), false);
  assert.equal(known.failures, 0);
  known.failed(true, 5 * minute);
  assert.deepEqual(known.addresses, ['a'], 'the minute begins with this failure');
});

test('whatever comes, it is asked again within bounds, and addresses go only when told', () => {
  const event = fc.oneof(
    fc.record({
      ttlMs: fc.integer({ min: 0, max: 1e9 }),
      addresses: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', '::1'), { minLength: 1 }),
    }),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.nat(day))), (events) => {
      const known = new KnownName();
      let nowMs = 0;
      for (const [one, passed] of events) {
        nowMs += passed;
        const before = known.addresses;
        const { gone, againMs } =
          typeof one === 'boolean' ? known.failed(one, nowMs) : known.answered(one, nowMs, 0.5);
        assert.ok(againMs >= 1_000 && againMs <= 300_000);
        const left = before.filter((address) => !known.addresses.includes(address));
        assert.deepEqual([...gone], left);
        assert.deepEqual(known.rotated().toSorted(), known.addresses.toSorted());
      }
    }),
  );
});
