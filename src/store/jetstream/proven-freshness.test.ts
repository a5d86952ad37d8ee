import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ProvenFreshness } from './proven-freshness.ts';

it('is as old as the newest proof was asked for, and never was complete before the first', async () => {
  const closing = new AbortController();
  let asked = 0;
  const freshness = new ProvenFreshness(closing.signal, async () => {
    asked++;
    throw new Error('out of reach');
  });
  assert.equal(freshness.staleForMs(), Number.POSITIVE_INFINITY);
  freshness.proved(performance.now() - 700);
  freshness.proved(performance.now() - 900);
  const staleMs = freshness.staleForMs();
  assert.ok(staleMs >= 700 && staleMs < 890, String(staleMs));
  freshness.read();
  while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(freshness.staleForMs() >= 890, 'a proof that failed is none');
  closing.abort();
  await freshness.ended;
});
