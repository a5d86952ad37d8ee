import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import { ZoneOffers } from './zone-offers.ts';

const bytes = new Uint8Array(0);
const zones = (serials: Record<string, number>): TransferredZones =>
  Object.fromEntries(Object.entries(serials).map(([name, serial]) => [name, { serial, bytes }]));
const sure = () => 0;

test('what changed goes together; what was refused goes alone, and later each time', () => {
  const offers = new ZoneOffers();
  const wanted = zones({ a: 1, b: 1, c: 1 });
  const all = offers.next(wanted, 0);
  assert.deepEqual([all.names, all.zones], [['a', 'b', 'c'], wanted]);
  offers.refused(all, 'one of them', 0, sure);
  assert.deepEqual([offers.next(wanted, 9_999).names, offers.nextMs(wanted)], [[], 10_000]);
  for (const name of ['a', 'b', 'c']) {
    const alone = offers.next(wanted, 10_000);
    assert.deepEqual(alone.names, [name]);
    if (name === 'b') offers.refused(alone, 'no room', 10_000, sure);
    else offers.taken(alone);
  }
  assert.deepEqual(offers.served, zones({ a: 1, c: 1 }));
  assert.deepEqual(offers.refusals(), [['b', 'no room']]);
  assert.equal(offers.nextMs(wanted), 30_000);
  // Another one does not wait for it, and goes without it.
  const more = offers.next(zones({ a: 1, b: 1, c: 2 }), 11_000);
  assert.deepEqual([more.names, more.zones], [['c'], zones({ a: 1, c: 2 })]);
  offers.taken(more);
  // What came anew need not wait.
  const anew = zones({ a: 1, b: 2, c: 2 });
  assert.deepEqual(
    [offers.nextMs(anew), offers.next(anew, 12_000).names],
    [Number.NEGATIVE_INFINITY, ['b']],
  );
  // What is wanted no more was never refused.
  assert.equal(offers.nextMs(zones({ a: 1, c: 2 })), undefined);
  assert.deepEqual(offers.refusals(), []);
});

test('retries of many zones are spread, up to 10 minutes', () => {
  const offers = new ZoneOffers();
  const wanted = zones(Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`z${at}`, 1])));
  let seed = 0;
  offers.refused(offers.next(wanted, 0), 'all', 0, () => (seed++ * 0.02) % 1);
  const times = new Set<number>();
  for (let left = 50; left > 0; left--) {
    const dueMs = offers.nextMs(wanted)!;
    assert.ok(dueMs > 7_500 && dueMs <= 10_000);
    times.add(dueMs);
    offers.taken(offers.next(wanted, dueMs));
  }
  assert.equal(times.size, 50);
  const other = zones({
    ...Object.fromEntries(Object.keys(wanted).map((name) => [name, 1])),
    bad: 1,
  });
  let nowMs = 0;
  for (let turn = 0; turn < 12; turn++) {
    offers.refused(offers.next(other, nowMs), 'never', nowMs, sure);
    const dueMs = offers.nextMs(other)!;
    assert.ok(dueMs - nowMs <= 600_000);
    nowMs = dueMs;
  }
});

test('a zone may have a name that all objects have, and go again', () => {
  const offers = new ZoneOffers();
  offers.begin(zones({ constructor: 1 }));
  const gone = offers.next({}, 0);
  assert.deepEqual([gone.names, gone.zones], [['constructor'], {}]);
});

const anyZones = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 3 }));

test('property: whichever zones are refused, all others come to be served, and those as they were', () => {
  fc.assert(
    fc.property(anyZones, anyZones, fc.subarray(['a', 'b', 'c', 'd']), (first, then, bad) => {
      const offers = new ZoneOffers();
      offers.begin(zones(first));
      const wanted = zones(then);
      const isBad = (name: string) => bad.includes(name) && then[name] !== first[name];
      let nowMs = 0;
      for (let turn = 0; turn < 20; turn++) {
        nowMs = Math.max(nowMs, offers.nextMs(wanted) ?? nowMs);
        const offer = offers.next(wanted, nowMs);
        if (offer.names.some(isBad)) offers.refused(offer, 'bad', nowMs, sure);
        else offers.taken(offer);
      }
      const expected = { ...then };
      for (const name of bad) {
        delete expected[name];
        if (first[name] !== undefined) expected[name] = first[name];
      }
      assert.deepEqual({ ...offers.served }, zones(expected));
      assert.ok(offers.refusals().every(([name]) => bad.includes(name)));
    }),
  );
});
