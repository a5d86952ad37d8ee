import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acknowledgementOf, changeTo, hashOf } from '../../test/support/revisions.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { RolloutPlan } from './change.ts';
import { isRevisionError } from './errors.ts';
import { Revisions } from './revisions.ts';

const waves: RolloutPlan = {
  waves: [['east'], ['west']],
  pauseMs: 1_000,
  bounds: { errorShare: 0.1, readyShare: 1 },
};
const asAna = { author: 'ana', message: '' };

function open() {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return { clock, store, revisions: new Revisions(store, clock) };
}

test('a revision is what was applied, follows the one before, and is found again', async () => {
  const { revisions, clock } = open();
  assert.equal(await revisions.head(), undefined);
  assert.deepEqual(await revisions.history(5), []);
  const first = await revisions.apply(changeTo('1', undefined));
  const second = await revisions.apply(changeTo('2', first, { author: 'bob', message: 'why' }));
  assert.equal(second.sequence, 2);
  assert.equal(second.hash, hashOf('2'));
  assert.deepEqual(second.base, { sequence: 1, hash: hashOf('1') });
  assert.equal(second.author, 'bob');
  assert.equal(second.appliedAt, new Date(clock.wallMs()).toISOString());
  assert.deepEqual(await revisions.read(second), changeTo('2', undefined).document);
  assert.deepEqual((await revisions.head('leader'))?.head.previous, first);
  assert.deepEqual(await revisions.history(9), [second, first]);
  assert.deepEqual(await revisions.history(1), [second]);
  assert.deepEqual(await revisions.find(1), first);
  for (const sequence of [0, 3, -1, 1.5]) {
    await assert.rejects(revisions.find(sequence), { code: 'revision_unknown' });
  }
});

test('serials follow the clock and rise even when it does not', async () => {
  const { revisions, clock } = open();
  const first = await revisions.apply(changeTo('1', undefined));
  assert.equal(first.serial, Math.floor(clock.wallMs() / 1_000));
  clock.jumpWall(-600_000);
  const second = await revisions.apply(changeTo('2', first));
  assert.equal(second.serial, first.serial + 1);
});

test('of what is applied on the same base one wins, and the others are told who', async () => {
  const { revisions, store, clock } = open();
  const other = new Revisions(store, clock);
  const base = await revisions.apply(changeTo('1', undefined));
  const results = await Promise.allSettled([
    revisions.apply(changeTo('2', base, { author: 'ana' })),
    other.apply(changeTo('3', base, { author: 'bob' })),
  ]);
  const [won] = results.filter((result) => result.status === 'fulfilled');
  const [lost] = results.filter((result) => result.status === 'rejected');
  assert.ok(won && lost);
  assert.ok(isRevisionError(lost.reason, 'revision_conflict'));
  const found = { sequence: 2, hash: won.value.hash };
  assert.deepEqual(lost.reason.details, { expected: { sequence: 1, hash: base.hash }, found });
  assert.match(lost.reason.message, new RegExp(`revision 2 of ${won.value.author} is current`));
  await assert.rejects(revisions.apply(changeTo('4', undefined)), { code: 'revision_conflict' });
  const { revisions: empty } = open();
  await assert.rejects(empty.apply(changeTo('4', base)), {
    message: 'the change was planned against revision 1, and there is none: plan it anew',
  });
});

test('history is linear whatever is applied, seeded and rolled back at once', async () => {
  const operation = fc.constantFrom('apply', 'stale', 'seed', 'rollback');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(operation, { minLength: 1, maxLength: 5 })),
      async (rounds) => {
        const { store, clock, revisions } = open();
        let count = 0;
        let accepted = 0;
        let stale = await revisions.apply(changeTo('0', undefined));
        for (const round of rounds) {
          const base = (await revisions.head())!.head.current;
          const calls = round.map((what) => {
            const own = new Revisions(store, clock);
            const content = `${++count}`;
            if (what === 'apply') return own.apply(changeTo(content, base));
            if (what === 'stale') return own.apply(changeTo(content, stale));
            if (what === 'rollback') return own.rollback({ ...asAna, base });
            return own.seed({ ...changeTo(content, undefined), seed: content });
          });
          const results = await Promise.allSettled(calls);
          const compared = results.filter(
            ({ status }, index) => status === 'fulfilled' && round[index] !== 'seed',
          );
          assert.ok(compared.length <= 1, `${compared.length} won on one base`);
          accepted += results.filter(({ status }) => status === 'fulfilled').length;
          for (const result of results) {
            if (result.status === 'rejected') assert.ok(isRevisionError(result.reason));
          }
          stale = base;
        }
        const history = await revisions.history(1_000);
        assert.equal(history.length, accepted + 1);
        for (const [index, { sequence, base, serial }] of history.entries()) {
          const before = history[index + 1];
          assert.equal(sequence, history.length - index);
          assert.deepEqual(base, before && { sequence: before.sequence, hash: before.hash });
          assert.ok(before === undefined || serial > before.serial);
        }
      },
    ),
    { numRuns: 30 },
  );
});

test('what is applied already is refused, unless it was rolled back by itself', async () => {
  const { revisions } = open();
  const first = await revisions.apply(changeTo('1', undefined));
  await assert.rejects(revisions.apply(changeTo('1', first)), { code: 'revision_unchanged' });
  const second = await revisions.apply(changeTo('2', first, { rollout: waves }));
  await assert.rejects(revisions.apply(changeTo('2', second)), { code: 'revision_unchanged' });
  const seen = await revisions.head();
  assert.equal(await revisions.moveRollout(seen!, 'rollBack', 'no luck', []), true);
  const third = await revisions.apply(changeTo('2', second));
  assert.equal(third.sequence, 3);
  assert.deepEqual((await revisions.head())?.head.previous, first);
});

test('a rollout is superseded by rollback, seed or when asked for, never in passing', async () => {
  const { revisions } = open();
  const first = await revisions.apply(changeTo('1', undefined));
  const second = await revisions.apply(changeTo('2', first, { rollout: waves }));
  await assert.rejects(revisions.apply(changeTo('3', second)), {
    code: 'rollout_running',
    message: /revision 2 is being rolled out \(wave 1 of 2\)/,
  });
  const third = await revisions.apply(changeTo('3', second, { rollout: waves, supersede: true }));
  const { head } = (await revisions.head())!;
  assert.deepEqual(head.previous, first, 'regions that revision 2 never reached go on with 1');
  assert.equal(head.rollout?.reached, 1);
  const back = await revisions.rollback({ ...asAna, base: third });
  assert.equal(back.restores, 1);
  assert.deepEqual(await revisions.read(back), await revisions.read(first));
  assert.equal((await revisions.head())?.head.rollout, undefined);
});

test('steps of a rollout are compared and set', async () => {
  const { revisions } = open();
  const first = await revisions.apply(changeTo('1', undefined));
  await revisions.apply(changeTo('2', first, { rollout: waves }));
  const seen = (await revisions.head())!;
  assert.equal(await revisions.moveRollout(seen, 'advance', 'held', []), true);
  assert.equal(await revisions.moveRollout(seen, 'rollBack', 'late', []), false);
  const next = (await revisions.head())!;
  assert.equal(next.head.rollout?.reached, 2);
  assert.equal(await revisions.moveRollout(next, 'finish', 'all', []), true);
  assert.equal((await revisions.head())?.head.rollout?.state, 'done');
});

test('waves that make no sense are refused before anything is written', async () => {
  const { revisions, store } = open();
  const first = await revisions.apply(changeTo('1', undefined));
  const bad: [Partial<RolloutPlan>, RegExp][] = [
    [{ waves: [] }, /at least one/],
    [{ waves: [['east', 'west'], []] }, /at least one/],
    [{ waves: [['east'], ['nord']] }, /no region "nord"/],
    [{ waves: [['east'], ['east', 'west']] }, /"east" is named twice/],
    [{ waves: [['east']] }, /"west" is in none/],
    [{ pauseMs: -1 }, /pause/],
    [{ bounds: { errorShare: Number.NaN, readyShare: 1 } }, /errorShare/],
  ];
  const before = await store.bucket('config').keys();
  for (const [part, message] of bad) {
    const rollout = { ...waves, ...part };
    const apply = revisions.apply(changeTo('2', first, { rollout }));
    await assert.rejects(apply, { code: 'rollout_invalid', message });
  }
  assert.deepEqual(await store.bucket('config').keys(), before);
  const { revisions: empty } = open();
  await assert.rejects(empty.apply(changeTo('1', undefined, { rollout: waves })), {
    code: 'rollout_invalid',
    message: /nothing to be rolled back to/,
  });
});

test('who and why are bounded, in characters that stay on their line', async () => {
  const { revisions } = open();
  const bad = [
    { author: '' },
    { author: 'x'.repeat(201) },
    { author: 'a\u001b[2J' },
    { message: 'x'.repeat(1_001) },
    { message: 'a\nb' },
    { hash: 'abc' },
    { seed: 'a.b' },
    { change: 'mine' },
    { after: -1 },
  ];
  for (const part of bad) {
    const apply = revisions.apply(changeTo('1', undefined, part));
    await assert.rejects(apply, { code: 'change_invalid' }, JSON.stringify(part));
  }
  const longest = { author: '語'.repeat(200), message: 'é'.repeat(1_000) };
  const info = await revisions.apply(changeTo('1', undefined, longest));
  assert.deepEqual((await revisions.head())?.head.current, info);
});

test('a rollback brings a content back as a new revision', async () => {
  const { revisions } = open();
  await assert.rejects(revisions.rollback({ ...asAna, base: { sequence: 1, hash: hashOf('1') } }), {
    code: 'no_revision',
  });
  const first = await revisions.apply(changeTo('1', undefined));
  await assert.rejects(revisions.rollback({ ...asAna, base: first }), { code: 'revision_unknown' });
  const second = await revisions.apply(changeTo('2', first));
  await assert.rejects(revisions.rollback({ ...asAna, base: first }), {
    code: 'revision_conflict',
  });
  const third = await revisions.rollback({ ...asAna, base: second });
  assert.deepEqual(
    [third.sequence, third.kind, third.restores, third.hash],
    [3, 'rollback', 1, first.hash],
  );
  const fourth = await revisions.rollback({ ...asAna, base: third, to: 2 });
  assert.deepEqual(await revisions.read(fourth), await revisions.read(second));
  for (const to of [2, 4]) {
    const again = revisions.rollback({ ...asAna, base: fourth, to });
    await assert.rejects(again, { code: 'revision_unchanged' });
  }
  const nowhere = revisions.rollback({ ...asAna, base: fourth, to: 5 });
  await assert.rejects(nowhere, { code: 'revision_unknown' });
});

test('an event seeds once, whoever else seeds it, whatever came between', async () => {
  const { revisions, store, clock } = open();
  const applied = await revisions.apply(changeTo('other', undefined));
  const seed = (content: string, event: string) =>
    new Revisions(store, clock).seed({ ...changeTo(content, undefined), seed: event });
  const all = await Promise.all(['a', 'b', 'c', 'd'].map((node) => seed(node, 'up-1')));
  assert.equal(all.filter(({ seeded }) => seeded).length, 1);
  assert.equal(new Set(all.map(({ info }) => info.hash)).size, 1);
  const [{ info }] = all as [(typeof all)[0]];
  assert.deepEqual([info.sequence, info.kind], [applied.sequence + 1, 'seed']);

  const edited = await revisions.apply(changeTo('edited', info));
  assert.deepEqual(await seed('a', 'up-1'), { info, seeded: false });
  assert.deepEqual((await revisions.head())?.head.current, edited);
  assert.equal((await seed('a', 'up-2')).seeded, true);
});

test('a seed that left the history is still known', async () => {
  const { revisions, store } = open();
  const { info } = await revisions.seed({ ...changeTo('file', undefined), seed: 'up-1' });
  await revisions.settled();
  await store.bucket('config').delete('seed.up-1'); // As if the node had died right then.
  let last = info;
  for (let count = 0; count < 115; count++) {
    last = await revisions.apply(changeTo(`later ${count}`, last));
    await revisions.settled();
  }
  await assert.rejects(revisions.find(1), { code: 'revision_unknown' });
  const again = await revisions.seed({ ...changeTo('file', undefined), seed: 'up-1' });
  assert.deepEqual(again, { info, seeded: false });
});

test('a store that was made anew goes on after what nodes have seen', async () => {
  const { revisions } = open();
  const first = await revisions.apply(changeTo('1', undefined, { after: 12 }));
  const second = await revisions.apply(changeTo('2', first, { after: 12 }));
  assert.deepEqual([first.sequence, second.sequence], [13, 14]);
  assert.deepEqual(await revisions.history(10), [second, first]);
});

test('acknowledgements are one for each node, the newest, and none that speaks for others', async () => {
  const { revisions, store, clock } = open();
  await revisions.acknowledge(acknowledgementOf('west', 1));
  await revisions.acknowledge(acknowledgementOf('east', 1));
  const restarted = new Revisions(store, clock);
  await restarted.acknowledge(acknowledgementOf('east', 2));
  await revisions.acknowledge(acknowledgementOf('east', 3));
  const acks = store.bucket('acks');
  await acks.put('north.north', Buffer.from(JSON.stringify(acknowledgementOf('west', 9))));
  await acks.put('south.south', Buffer.from('{'));
  assert.deepEqual(await revisions.acknowledgements(), [
    acknowledgementOf('east', 3),
    acknowledgementOf('west', 1),
  ]);
});
