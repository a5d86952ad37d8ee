import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { MirrorModel, StreamModel } from '../../../test/support/stream-model.ts';
import { type Mark, ToldBarriers } from './told-barriers.ts';

const keys = ['a', 'b', 'c'] as const;

const step = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...keys) },
  { weight: 9, arbitrary: fc.constant('mirror' as const) },
  { weight: 9, arbitrary: fc.constant('tell' as const) },
  { weight: 4, arbitrary: fc.constant('ask' as const) },
  { weight: 4, arbitrary: fc.constant('answer' as const) },
  { weight: 1, arbitrary: fc.constant('begin' as const) },
);

type Barriers = Pick<ToldBarriers, 'begin' | 'told' | 'confirmed'>;

/** Writes, a mirror, who follows it, and barriers, a step at each millisecond. */
function run(
  schedule: readonly (typeof step extends fc.Arbitrary<infer T> ? T : never)[],
  barriers: Barriers,
) {
  const hub = new StreamModel();
  const mirror = new MirrorModel(hub);
  const told = new Map<string, number>();
  const asked: Mark[] = [];
  const lastWhenAsked = new Map<Mark, number>();
  let begun = 0;
  let followed = 0;
  let proofs = 0;

  function begin(nowMs: number): void {
    begun = followed = mirror.position;
    told.clear();
    barriers.begin(followed, nowMs);
  }

  function check(proved: Mark | undefined): void {
    if (!proved) return;
    proofs++;
    const end = lastWhenAsked.get(proved)!;
    for (const key of keys) {
      const last = hub.lastOf(key, end);
      assert.ok(mirror.of(key) >= last, `the mirror has ${key}@${mirror.of(key)}, not @${last}`);
      if (last > begun) assert.ok((told.get(key) ?? 0) >= last, `${key}@${last} was not told`);
    }
  }

  begin(0);
  for (const [index, name] of schedule.entries()) {
    const nowMs = index + 1;
    if (name === 'mirror') mirror.step();
    else if (name === 'begin') begin(nowMs);
    else if (name === 'ask') {
      const before = hub.last;
      const mark = { revision: hub.append('barrier'), askedAtMs: nowMs };
      lastWhenAsked.set(mark, before);
      asked.push(mark);
    } else if (name === 'answer') {
      const mark = asked.shift();
      if (mark) check(barriers.confirmed(mark));
    } else if (name === 'tell') {
      const next = mirror.nextBehind(followed);
      if (next === undefined) continue;
      followed = next;
      told.set(hub.subjectAt(next), next);
      check(barriers.told(next, hub.subjectAt(next) === 'barrier', nowMs));
    } else hub.append(name);
  }
  return proofs;
}

const isBehind = (barrier: number, place: number) => barrier <= place;
const schedules = fc.array(step, { minLength: 40, maxLength: 120, size: 'max' });

it('what it takes for proved is, whatever is superseded on the way to the mirror or behind it', () => {
  let proofs = 0;
  fc.assert(
    fc.property(schedules, (schedule) => {
      proofs += run(schedule, new ToldBarriers(isBehind));
    }),
    { numRuns: 10_000 },
  );
  assert.ok(proofs > 1_000, `${proofs} proofs`);
});

it('a barrier that has come by would not do alone', () => {
  const naive = (): Barriers => {
    const barriers = new ToldBarriers(isBehind);
    let next = 0;
    return {
      begin: (_, nowMs) => barriers.begin(0, nowMs),
      // As if nothing were ever left out.
      told: (sequence, isBarrier, nowMs) => {
        while (++next < sequence) barriers.told(next, false, 0);
        return barriers.told(sequence, isBarrier, nowMs);
      },
      confirmed: (mark) => barriers.confirmed(mark),
    };
  };
  const found = fc.check(
    fc.property(schedules, (schedule) => {
      run(schedule, naive());
    }),
    { numRuns: 2_000 },
  );
  assert.ok(found.failed);
});

it('proves by the newest of the barriers that have come by, each once', () => {
  const barriers = new ToldBarriers(isBehind);
  barriers.begin(4, 10);
  assert.equal(barriers.confirmed({ revision: 6, askedAtMs: 11 }), undefined);
  assert.equal(barriers.confirmed({ revision: 7, askedAtMs: 12 }), undefined);
  assert.equal(barriers.told(5, false, 13), undefined);
  assert.equal(barriers.told(6, false, 14), undefined);
  assert.deepEqual(barriers.told(7, true, 15), { revision: 7, askedAtMs: 12 });
  assert.equal(barriers.told(8, true, 16), undefined);
  const late = { revision: 8, askedAtMs: 15 };
  assert.equal(barriers.confirmed(late), late, 'it was told before it was answered');
});

it('proves nothing by a barrier that was asked for before a hole was seen', () => {
  const barriers = new ToldBarriers(isBehind);
  barriers.begin(4, 10);
  barriers.confirmed({ revision: 8, askedAtMs: 11 });
  assert.equal(barriers.told(6, false, 12), undefined);
  assert.equal(barriers.told(7, false, 13), undefined);
  assert.equal(barriers.told(8, true, 14), undefined);
  barriers.confirmed({ revision: 9, askedAtMs: 15 });
  assert.deepEqual(barriers.told(9, true, 16), { revision: 9, askedAtMs: 15 });
});
