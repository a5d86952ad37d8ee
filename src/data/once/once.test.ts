import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryDataBucket } from '../../../test/support/memory-bucket.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import type { Condition, Read, ReadOptions, WriteOptions } from '../bucket.ts';
import { dataError } from '../errors.ts';
import { createOnce, type OnceBucket, once } from './once.ts';

/** What happens to a call: the last two end the caller. */
const faults = ['refused', 'lost', 'dropped', 'late', 'crashBefore', 'crashAfter'] as const;
type Fault = (typeof faults)[number] | 'none';

/** A bucket that does to its calls what a list says, in order, and then serves. */
class FaultyBucket implements OnceBucket {
  readonly name = 'faulty';
  readonly #bucket: MemoryDataBucket;
  readonly #clock: ManualClock;
  readonly #next: () => Fault;

  constructor(bucket: MemoryDataBucket, clock: ManualClock, next: () => Fault) {
    this.#bucket = bucket;
    this.#clock = clock;
    this.#next = next;
  }

  get(key: string, options?: ReadOptions): Promise<Read> {
    return this.#call(false, () => this.#bucket.get(key, options));
  }

  put(
    key: string,
    value: Uint8Array,
    condition?: Condition,
    options?: WriteOptions,
  ): Promise<string> {
    return this.#call(true, () => this.#bucket.put(key, value, condition, options));
  }

  delete(key: string, condition?: Condition): Promise<void> {
    return this.#call(true, () => this.#bucket.delete(key, condition));
  }

  async #call<T>(writes: boolean, act: () => Promise<T>): Promise<T> {
    const fault = this.#next();
    const unknown = () => dataError('no_quorum', fault, { outcome: writes ? 'unknown' : 'none' });
    if (fault === 'refused') throw dataError('unreachable', fault);
    if (fault === 'crashBefore') return never();
    if (fault === 'dropped') throw unknown();
    if (fault === 'late') {
      this.#clock.after(3_000, () => void act().catch(() => undefined));
      throw unknown();
    }
    const result = await act();
    if (fault === 'lost') throw unknown();
    return fault === 'crashAfter' ? never() : result;
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

const takeoverMs = 1_000;

/** Lets time pass until the promise ends, or for a minute. */
async function within<T>(clock: ManualClock, promise: Promise<T>): Promise<T | 'dead'> {
  let ended = false;
  promise.then(
    () => {
      ended = true;
    },
    () => {
      ended = true;
    },
  );
  for (let turn = 0; turn < 400 && !ended; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (!ended) clock.advance(150);
  }
  return ended ? promise : 'dead';
}

const fault: fc.Arbitrary<Fault> = fc.oneof(
  { weight: 2, arbitrary: fc.constant('none' as const) },
  fc.constantFrom(...faults),
);
/** All at once; `slow`: its operation takes longer than it is waited for. */
const callers = fc.array(
  fc.record({ script: fc.array(fault, { maxLength: 8 }), slow: fc.boolean() }),
  { minLength: 1, maxLength: 4 },
);

test('whatever fails wherever: one result for all, and a keyed effect that is applied once', async () => {
  await fc.assert(
    fc.asyncProperty(callers, fc.boolean(), async (all, keyed) => {
      const clock = new ManualClock();
      const keys = new MemoryDataBucket('keys');
      const ledger = new MemoryDataBucket('ledger');
      let attempts = 0;
      const call = ({
        script,
        slow,
      }: {
        readonly script: readonly Fault[];
        readonly slow: boolean;
      }) => {
        const left = [...script];
        const next = () => left.shift() ?? 'none';
        const operation = async () => {
          if (slow) await new Promise<void>((resolve) => clock.after(2_500, resolve));
          const draft = Buffer.from(JSON.stringify(`attempt ${++attempts}`));
          if (!keyed) return String(draft);
          const entry = await createOnce(new FaultyBucket(ledger, clock, next), 'entry.k', draft);
          return String(Buffer.from(entry.value));
        };
        const faulty = new FaultyBucket(keys, clock, next);
        return once(faulty, 'k', operation, { fingerprint: 'same', takeoverMs, clock });
      };
      const results: string[] = [];
      const ended = all.map(async (one) => {
        const told = await within(clock, call(one)).catch(() => 'failed' as const);
        if (typeof told === 'object') results.push(told.result);
      });
      await Promise.all(ended);
      const last = await within(clock, call({ script: [], slow: false }));
      assert.ok(typeof last === 'object', 'who comes last, when all is well again, is served');
      assert.deepEqual(new Set([...results, last.result]).size, 1, results.join());
      if (!keyed) return;
      const { entry } = await ledger.get('entry.k');
      assert.equal(String(Buffer.from(entry!.value)), last.result);
      assert.equal(entry!.version, '1', 'it was written once');
    }),
    { numRuns: 300 },
  );
});

test('another request under the key is refused, and does nothing', async () => {
  const keys = new MemoryDataBucket('keys');
  const { result, replayed } = await once(keys, 'k', async () => ({ ok: 1 }), { fingerprint: 'a' });
  assert.deepEqual([result, replayed], [{ ok: 1 }, false]);
  const never = async () => assert.fail('it was begun');
  await assert.rejects(once(keys, 'k', never, { fingerprint: 'b' }), {
    code: 'fingerprint_mismatch',
  });
  assert.deepEqual(await once(keys, 'k', never, { fingerprint: 'a' }), {
    result: { ok: 1 },
    replayed: true,
  });
  const { entry } = await keys.get('k');
  assert.ok(!Buffer.from(entry!.value).includes('"a"'), 'of the fingerprint a digest is kept');
  await keys.put('other', Buffer.from('{}'));
  await assert.rejects(once(keys, 'other', never, { fingerprint: 'a' }), {
    code: 'record_invalid',
  });
});

test('who comes while another one works waits so long, and is told', async () => {
  const clock = new ManualClock();
  const keys = new MemoryDataBucket('keys');
  const work = Promise.withResolvers<string>();
  const options = { fingerprint: 'a', takeoverMs, clock };
  const first = once(keys, 'k', () => work.promise, options);
  const never = async () => assert.fail('it was begun');
  await assert.rejects(once(keys, 'k', never, { ...options, waitMs: 0 }), { code: 'in_progress' });
  const late = once(keys, 'k', never, { ...options, waitMs: takeoverMs / 2 });
  await assert.rejects(within(clock, late), { code: 'in_progress' });
  const second = once(keys, 'k', never, { ...options, takeoverMs: 5_000 });
  await new Promise((resolve) => setImmediate(resolve));
  work.resolve('done');
  assert.deepEqual(await within(clock, first), { result: 'done', replayed: false });
  assert.deepEqual(await within(clock, second), { result: 'done', replayed: true });
});

test('an owner that was too slow cannot store its result over that of its successor', async () => {
  const clock = new ManualClock();
  const keys = new MemoryDataBucket('keys');
  const slow = Promise.withResolvers<string>();
  const options = { fingerprint: 'a', takeoverMs, clock };
  const first = once(keys, 'k', () => slow.promise, options);
  const second = await within(
    clock,
    once(keys, 'k', async () => 'second', options),
  );
  assert.deepEqual(second, { result: 'second', replayed: false });
  slow.resolve('first');
  assert.deepEqual(await within(clock, first), { result: 'second', replayed: true });
});

test('an operation that throws leaves the key to the next call', async () => {
  const keys = new MemoryDataBucket('keys');
  const options = { fingerprint: 'a', waitMs: 0 };
  const failing = () => Promise.reject(new Error('no rate'));
  await assert.rejects(once(keys, 'k', failing, options), /no rate/);
  const { result } = await once(keys, 'k', async () => 'now', options);
  assert.equal(result, 'now');
});

test('who does not wait takes over what is old by the clock, too', async () => {
  const clock = new ManualClock();
  const keys = new MemoryDataBucket('keys');
  const options = { fingerprint: 'a', takeoverMs, clock, waitMs: 0 };
  void once(keys, 'k', never, options);
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(takeoverMs + 9_000);
  const call = () => once(keys, 'k', async () => 'taken over', options);
  await assert.rejects(call(), { code: 'in_progress' });
  clock.advance(1_000);
  assert.equal((await call()).result, 'taken over');
});
