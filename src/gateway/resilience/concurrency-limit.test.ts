import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ServiceSlots } from '../../health/service-slots.ts';
import { DeadlineWheel } from '../deadline-wheel.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';

test('places move between threads: none waits for ever while another has a queue of its own', () => {
  const slots = new ServiceSlots(new SharedArrayBuffer(ServiceSlots.bytes(1, 2)), 0, 1, 2);
  const threads = [0, 1].map((thread) => {
    const inside: (() => void)[] = [];
    const limit = new ConcurrencyLimit(
      {
        take: (maximum) => slots.take(0, thread, maximum),
        give: () => slots.give(0, thread),
        setWaiting: (count) => slots.setWaiting(0, thread, count),
        owes: (maximum) => slots.owes(0, thread, maximum),
      },
      { maximum: 4, queue: 100, queueTimeoutMs: 60_000 },
      new DeadlineWheel(),
    );
    const come = () => {
      const waiter = { onPlace: () => void inside.push(() => limit.leave()), onNoPlace() {} };
      if (limit.enter(waiter) === 'entered') waiter.onPlace();
    };
    return { inside, limit, come };
  });
  const [first, second] = threads as [(typeof threads)[0], (typeof threads)[0]];
  for (let count = 0; count < 60; count++) first.come();
  for (let count = 0; count < 60; count++) second.come();
  assert.deepEqual([first.inside.length, second.inside.length], [4, 0]);
  for (let turn = 0; turn < 16; turn++) {
    for (const { inside } of threads) inside.shift()?.();
    for (const { limit } of threads) limit.poll();
    assert.ok(slots.live(0) <= 4);
  }
  assert.deepEqual([first.inside.length, second.inside.length], [2, 2]);
});

test('a long queue whose requests end as soon as they are let in is no deep recursion', () => {
  let taken = 0;
  const slots = {
    take: () => taken === 0 && ++taken === 1,
    give: () => void taken--,
    setWaiting() {},
    owes: () => false,
  };
  const options = { maximum: 1, queue: 50_000, queueTimeoutMs: 1_000 };
  const limit = new ConcurrencyLimit(slots, options, new DeadlineWheel());
  const nothing = { onPlace() {}, onNoPlace() {} };
  assert.equal(limit.enter(nothing), 'entered');
  let placed = 0;
  const brief = () => ({
    onNoPlace() {},
    onPlace() {
      placed++;
      limit.leave();
    },
  });
  for (let count = 0; count < 20_000; count++) assert.equal(limit.enter(brief()), 'waiting');
  limit.leave();
  assert.equal(placed, 20_000);
  assert.equal(taken, 0);
});

test('property: places are never more than the maximum, and who waits is served in order', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { maxLength: 60 }), (steps) => {
      let taken = 0;
      const slots = {
        take: (maximum: number) => taken < maximum && taken++ >= 0,
        give: () => void taken--,
        setWaiting() {},
        owes: () => false,
      };
      const options = { maximum: 3, queue: 4, queueTimeoutMs: 1_000 };
      const limit = new ConcurrencyLimit(slots, options, new DeadlineWheel());
      const placed: number[] = [];
      const waiting: number[] = [];
      let inside = 0;
      const waiters = new Map<number, { onPlace(): void; onNoPlace(): void }>();
      let next = 0;
      for (const [step, which] of steps) {
        if (step <= 1) {
          const id = next++;
          const waiter = {
            onPlace: () => {
              inside++;
              placed.push(id);
              assert.equal(waiting.shift(), id, 'first come, first served');
            },
            onNoPlace: () => assert.fail('nobody waits so long'),
          };
          waiters.set(id, waiter);
          const outcome = limit.enter(waiter);
          if (outcome === 'entered') inside++;
          else if (outcome === 'waiting') waiting.push(id);
          else assert.equal(waiting.length, 4);
        } else if (step === 2 && inside > 0) {
          inside--;
          limit.leave();
        } else if (waiting.length > 0) {
          const [id] = waiting.splice(which % waiting.length, 1);
          assert.ok(limit.cancel(waiters.get(id!)!));
        }
        assert.ok(inside <= 3 && taken === inside);
        assert.ok(waiting.length === 0 || inside === 3, 'nobody waits while there is room');
      }
    }),
  );
});
