import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { changeTo, hashOf, tamperedStore } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from '../store/errors.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import { isRevisionError } from './errors.ts';
import { headKey } from './head.ts';
import { Revisions } from './revisions.ts';

const unconfirmed = () =>
  storeError('no_quorum', 'no majority confirmed it', { outcome: 'unknown' });

/** A store that loses the confirmation of the next write of a key that begins so. */
class Faults {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly revisions: Revisions;
  /** The write that was lost, for it to land late. */
  land: (() => Promise<number>) | undefined;
  hangsOnHead = false;
  #next: { readonly prefix: string; readonly happens: boolean } | undefined;

  constructor() {
    const store = tamperedStore(this.store, {
      get: (key, call) => (this.hangsOnHead && key === headKey ? new Promise(() => {}) : call()),
      write: async (key, call) => {
        const fault = this.#next;
        if (!fault || !key.startsWith(fault.prefix)) return await call();
        this.#next = undefined;
        if (fault.happens) await call();
        this.land = call;
        throw unconfirmed();
      },
    });
    this.revisions = new Revisions(store, this.clock);
  }

  loseNext(prefix: string, happens: boolean): void {
    this.#next = { prefix, happens };
  }

  /** The `change` of the error that a change of unknown outcome ends with. */
  async unknown(call: Promise<unknown>): Promise<string> {
    const error = await call.then(
      () => assert.fail('accepted'),
      (reason: unknown) => reason,
    );
    assert.ok(isRevisionError(error, 'outcome_unknown'), String(error));
    const { change, ...details } = error.details;
    assert.deepEqual(details, { outcome: 'unknown', reason: 'no_quorum', sequence: 2 });
    return String(change);
  }
}

test('a change that was accepted although its confirmation got lost is found', async () => {
  const faults = new Faults();
  const { revisions } = faults;
  const first = await revisions.apply(changeTo('1', undefined));
  faults.loseNext(headKey, true);
  const second = await revisions.apply(changeTo('2', first));
  assert.deepEqual([second.sequence, second.hash], [2, hashOf('2')]);
  faults.loseNext(headKey, true);
  const third = await revisions.rollback({ base: second, author: 'ana', message: '' });
  assert.deepEqual([third.sequence, third.restores], [3, 1]);
  assert.deepEqual(await revisions.history(9), [third, second, first]);
});

test('a change of unknown outcome that lands late is found when it is sent again', async () => {
  const faults = new Faults();
  const { revisions } = faults;
  const base = await revisions.apply(changeTo('1', undefined));
  faults.loseNext(headKey, false);
  const change = await faults.unknown(revisions.apply(changeTo('2', base)));
  await faults.land!();
  const again = changeTo('2', base, { change });
  const info = await revisions.apply(again);
  assert.equal(info.sequence, 2);
  assert.deepEqual(await revisions.read(info), again.document);
  const third = await revisions.apply(changeTo('3', info, { author: 'bob' }));
  assert.deepEqual(await revisions.apply(again), info, 'also when others went on from there');
  const anew = revisions.apply(changeTo('2', base));
  await assert.rejects(anew, { code: 'revision_conflict' }, 'another change is not found');
  assert.deepEqual(await revisions.history(9), [third, info, base]);
});

test('a change of unknown outcome that is sent again can no longer land twice', async () => {
  const faults = new Faults();
  const { revisions } = faults;
  const base = await revisions.apply(changeTo('1', undefined));
  faults.loseNext(headKey, false);
  const change = await faults.unknown(revisions.apply(changeTo('2', base)));
  const { land } = faults;
  const info = await revisions.apply(changeTo('2', base, { change }));
  await assert.rejects(land!(), { code: 'revision_mismatch' });
  assert.deepEqual(await revisions.history(9), [info, base]);
});

test('an unknown outcome is told in time, though the second look hangs', async () => {
  const faults = new Faults();
  const { revisions, clock } = faults;
  const base = await revisions.apply(changeTo('1', undefined));
  faults.loseNext(headKey, true);
  const rejected = faults.unknown(revisions.apply(changeTo('2', base)));
  faults.hangsOnHead = true;
  while (!faults.land) await turn();
  await turn();
  clock.advance(400);
  await rejected;
});

test('what fails before the head is written has changed nothing, and says so', async () => {
  for (const prefix of ['part.', 'revision.']) {
    const faults = new Faults();
    const { revisions } = faults;
    const base = await revisions.apply(changeTo('1', undefined));
    faults.loseNext(prefix, true);
    const failed = await revisions.apply(changeTo('2', base)).catch((error: unknown) => error);
    const { code, details } = failed as { code: string; details: object };
    assert.deepEqual([code, details], ['no_quorum', { outcome: 'none' }]);
    assert.deepEqual((await revisions.head())?.head.current, base);
    assert.equal((await revisions.apply(changeTo('2', base))).sequence, 2);
  }
});
