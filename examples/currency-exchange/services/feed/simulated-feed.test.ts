import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import { currencies } from '../money/currency.ts';
import { type RateTable, rateOf } from '../money/rate-table.ts';
import { createSimulatedFeed, simulatedTable } from './simulated-feed.ts';

const options = { seed: 'test', tickMs: 1_000 };
const euro = (tick: number, seed = 'test') =>
  Number(rateOf(simulatedTable(tick, { ...options, seed }), 'EUR', 'USD'));

test('a tick gives the same rates everywhere, whatever was asked before', () => {
  const later = simulatedTable(1_800_000_001, options);
  assert.deepEqual(later, simulatedTable(1_800_000_001, options));
  assert.equal(later.asOfMs, 1_800_000_001_000);
  assert.deepEqual([...later.perPivot.keys()], currencies);
  assert.equal(later.perPivot.get('USD')?.toString(), '1.0000000000');
  // Pinned: during an upgrade regions with another version of the service must agree with this.
  assert.equal(later.perPivot.get('EUR')?.toString(), '0.8691645600');
  assert.notEqual(euro(1, 'one'), euro(1, 'another'));
});

test('rates move with every tick, a little, and stay near their base', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000_000_000 }), (tick) => {
      const step = Math.abs(euro(tick + 1) / euro(tick) - 1);
      assert.ok(step < 0.000_1, `tick ${tick} moves by ${step}`);
      assert.ok(Math.abs(euro(tick) * 0.868 - 1) < 0.006_1);
    }),
  );
  const minutes = Array.from({ length: 600 }, (_, tick) => euro(1_800_000_000 + tick));
  assert.ok(new Set(minutes).size > 590, 'hardly any two ticks are the same');
  assert.ok(Math.max(...minutes) / Math.min(...minutes) > 1.000_2, 'ten minutes show it');
});

test('the feed ticks with the wall clock until it is closed', async () => {
  const feed = createSimulatedFeed({ seed: 'test', tickMs: 20 });
  const seen: RateTable[] = [];
  const events = new EventTarget();
  const unsubscribe = feed.subscribe((table) => {
    seen.push(table);
    if (seen.length === 3) events.dispatchEvent(new Event('three'));
  });
  await once(events, 'three');
  assert.equal(feed.source, 'simulated');
  for (const table of seen) {
    assert.deepEqual(table, simulatedTable(table.asOfMs / 20, { seed: 'test', tickMs: 20 }));
  }
  assert.ok(seen[0]!.asOfMs < seen[1]!.asOfMs && seen[1]!.asOfMs < seen[2]!.asOfMs);
  const { table, ageMs } = feed.latest()!;
  assert.equal(table, seen[2]);
  assert.ok(ageMs >= 0 && ageMs < 60_000);

  unsubscribe();
  const another = new Promise<RateTable>((resolve) => feed.subscribe(resolve));
  await another;
  assert.equal(seen.length, 3, 'nothing comes after the end of a subscription');
  feed.close();
});

test('a timer that fires early makes no second event of the same tick', (t) => {
  let now = 1_019;
  t.mock.method(Date, 'now', () => now);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const feed = createSimulatedFeed({ seed: 'test', tickMs: 20 });
  const seen: number[] = [];
  feed.subscribe(({ asOfMs }) => seen.push(asOfMs));
  t.mock.timers.tick(1);
  assert.deepEqual(seen, []);
  now = 1_020;
  t.mock.timers.tick(1);
  assert.deepEqual(seen, [1_020]);
  feed.close();
});
