import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '../../base/manual-clock.ts';
import { SharedRoom } from './shared-room.ts';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const tooBusy = { code: 'too_busy' };

test('a service has half of the room, and another one the rest', () => {
  const room = new SharedRoom('things', 10);
  const first = room.take('a', 3);
  const second = room.take('a', 2);
  assert.throws(() => room.take('a', 1), tooBusy);
  room.take('b', 5);
  assert.throws(() => room.take('c', 1), tooBusy);
  first();
  first();
  room.take('a', 3);
  assert.throws(() => room.take('a', 1), tooBusy);
  second();
  room.take('c', 2);
});

test('who waits comes in its turn, past those whose service has its half, or is refused in time', async () => {
  const clock = new ManualClock();
  const room = new SharedRoom('things', 10);
  const entered: string[] = [];
  const wait = (service: string, amount: number) => {
    const turn = room.takeInTurn(service, amount, 100, clock);
    return turn.then((release) => {
      entered.push(`${service}${amount}`);
      return release;
    });
  };
  const releases = await Promise.all([wait('a', 5), wait('b', 5)]);
  const refused = assert.rejects(wait('a', 4), tooBusy);
  clock.advance(60);
  const late = [wait('a', 1), wait('c', 2), wait('c', 1_000)];
  releases[1]!();
  await settled();
  assert.deepEqual(entered, ['a5', 'b5', 'c2'], 'a has its half, and 1,000 are 5 at most');
  (await late[1]!)();
  await settled();
  assert.equal(entered.at(-1), 'c1000');
  clock.advance(50);
  await refused;
  releases[0]!();
  await settled();
  assert.equal(entered.at(-1), 'a1');
});

const action = fc.record({
  service: fc.constantFrom('a', 'b', 'c'),
  amount: fc.integer({ min: 1, max: 14 }),
  waits: fc.boolean(),
  releases: fc.integer({ min: 0, max: 2 }),
});

test('whatever comes and goes: never more than there is, and in the end all of it again', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 40 }), async (actions) => {
      const clock = new ManualClock();
      const room = new SharedRoom('things', 12);
      const held: { readonly service: string; readonly amount: number; release(): void }[] = [];
      const hold = (service: string, amount: number) => (release: () => void) => {
        held.push({ service, amount, release });
        for (const one of ['a', 'b', 'c', undefined]) {
          const own = held.filter((other) => one === undefined || other.service === one);
          const sum = own.reduce((total, other) => total + other.amount, 0);
          assert.ok(sum <= (one === undefined ? 12 : 6));
        }
      };
      const ended: Promise<unknown>[] = [];
      const refused = (error: { code?: string }) => assert.equal(error.code, 'too_busy');
      for (const { service, amount, waits, releases } of actions) {
        const least = Math.min(amount, 6);
        const turn = waits
          ? room.takeInTurn(service, amount, 50, clock)
          : (async () => room.take(service, least))();
        ended.push(turn.then(hold(service, least), refused));
        for (let at = 0; at < releases; at++) held.shift()?.release();
        await settled();
        clock.advance(10);
      }
      clock.advance(50);
      await Promise.all(ended);
      for (const { release } of held) release();
      for (const service of ['a', 'b']) room.take(service, 6);
    }),
    { numRuns: 100 },
  );
});
