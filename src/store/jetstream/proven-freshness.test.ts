import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ProvenFreshness } from './proven-freshness.ts';

it('is as old as the newest proof was asked for, and never was complete before the first', async () => {
  const closing = new AbortController();
  let asked = 0;
  const on = {};
  const prove = async () => {
    asked++;
    throw new Error('out of reach');
  };
  const freshness = new ProvenFreshness(closing.signal, () => on, prove);
  assert.equal(freshness.staleForMs(), Number.POSITIVE_INFINITY);
  const askedAtMs = performance.now() - 700;
  const isOfNewest = () => {
    const leastMs = performance.now() - askedAtMs;
    const staleMs = freshness.staleForMs();
    return staleMs >= leastMs && staleMs <= performance.now() - askedAtMs;
  };
  freshness.proved({ askedAtMs, barrier: 2, on });
  freshness.proved({ askedAtMs: askedAtMs - 200, barrier: 1, on });
  assert.ok(isOfNewest());
  freshness.read();
  while (asked === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(isOfNewest(), 'a proof that failed is none');
  closing.abort();
  await freshness.ended;
});

/** What is proved of a mirror over one connection, and how another one comes. */
function provedOnFirst() {
  const [first, second] = [{}, {}];
  let current: object | undefined = first;
  const freshness = new ProvenFreshness(
    AbortSignal.abort(),
    () => current,
    () => Promise.resolve(),
  );
  const proof = { askedAtMs: performance.now(), barrier: 7, on: first };
  freshness.proved(proof);
  const turnTo = (connection: object | undefined) => {
    current = connection;
  };
  return { freshness, proof, second, turnTo };
}

it('proves nothing of the mirror of another connection, until that has the same barrier', async () => {
  const { freshness, proof, second, turnTo } = provedOnFirst();
  turnTo(undefined);
  assert.ok(Number.isFinite(freshness.staleForMs()), 'none is read meanwhile');
  turnTo(second);
  assert.equal(freshness.staleForMs(), Number.POSITIVE_INFINITY);
  assert.equal(freshness.elsewhere, proof);
  freshness.foundAgain(proof, second);
  assert.ok(Number.isFinite(freshness.staleForMs()));
  assert.equal(freshness.elsewhere, undefined);
  await freshness.ended;
});

it('what was proved of one mirror counts for no other, though it has the same barrier', async () => {
  const { freshness, proof, second, turnTo } = provedOnFirst();
  turnTo(second);
  // While the mirror there is asked for the barrier, it is found to be another one.
  freshness.forget();
  freshness.foundAgain(proof, second);
  assert.equal(freshness.staleForMs(), Number.POSITIVE_INFINITY);
  await freshness.ended;
});
