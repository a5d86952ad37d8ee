import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { moveShift, startShift } from './change.ts';
import { noSides, type Sides } from './counts.ts';
import { decideShift, type ShiftFacts, settledAfterMs } from './decide.ts';
import { judge } from './guard.ts';
import { appliedShifts, type ShiftDocument, type ShiftPlan, shareOfShift } from './shift.ts';
import { configOf, countOf, planOf } from './testdata/deployment.ts';

const config = configOf();
const startMs = Date.UTC(2026, 0, 1);
const author = (change = 'ab'.repeat(12)) => ({ by: 'ana', message: '', nowMs: startMs, change });

const anyCount = fc
  .tuple(fc.constantFrom(0, 50, 100, 5_000), fc.constantFrom(0, 0, 0.01, 0.3), fc.nat(19))
  .map(([requests, failing, slot]) => countOf(requests, Math.round(requests * failing), slot));
const anySides: fc.Arbitrary<Sides> = fc.record({ target: anyCount, rest: anyCount });
const anyFacts: fc.Arbitrary<ShiftFacts> = fc.record({
  nowWallMs: fc.constantFrom(startMs - 1, startMs, startMs + 3_600_000),
  ageMs: fc.constantFrom(0, 4_999, 5_000, 9_999, 10_000, 60_000),
  changedForMs: fc.constantFrom(undefined, undefined, undefined, 0, settledAfterMs),
  rolling: fc.constantFrom(false, false, false, true),
  silent: fc.constantFrom<readonly string[]>([], [], [], ['eu.eu']),
  evidence: fc.record({
    step: anySides,
    recent: fc.option(anySides, { nil: undefined }),
    before: fc.option(anySides, { nil: undefined }),
  }),
});

const anySteps = fc
  .uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 6 })
  .map((steps) => steps.sort((a, b) => a - b));
const anyPlan: fc.Arbitrary<ShiftPlan> = fc
  .record({
    steps: anySteps,
    everyMs: fc.constantFrom(undefined, 100, 10_000),
    observeMs: fc.constantFrom(0, 5_000),
    guard: fc.constantFrom(undefined, planOf().guard, {
      ...planOf().guard!,
      minimumRequests: 0,
      onBreach: 'abort' as const,
    }),
    startAt: fc.constantFrom(undefined, new Date(startMs + 60_000).toISOString()),
  })
  .map((more) => planOf(more));

/** Rising, or the same falling from a shift before. */
function begun(plan: ShiftPlan, falls: boolean): ShiftDocument {
  const first = startShift(undefined, plan, config, author());
  if (!falls) return first;
  const [shift] = first.shifts;
  const done = { ...shift!, state: 'done' as const, step: plan.steps.length };
  const down = [...plan.steps.slice(0, -1).reverse(), 0];
  return startShift({ ...first, shifts: [done] }, { ...plan, steps: down }, config, author());
}

test('property: no step is taken before its time, unseen, against the guard, or two at once', () => {
  fc.assert(
    fc.property(
      anyPlan,
      fc.boolean(),
      fc.array(anyFacts, { maxLength: 40 }),
      (plan, falls, all) => {
        let document = begun(plan, falls);
        for (const facts of all) {
          const shift = document.shifts[0]!;
          const decision = decideShift(shift, facts);
          const { action } = decision;
          if (action === 'wait') continue;
          if (shift.state === 'paused') assert.equal(action, 'supersede', 'a pause is a pause');
          document = moveShift(document, shift, decision, {}, facts.evidence.step, author());
          const next = document.shifts[0]!;
          assert.equal(next.turn, shift.turn + 1);
          assert.equal(document.sequence, document.event.sequence);
          if (action === 'begin') {
            assert.ok(facts.nowWallMs >= Date.parse(shift.startAt ?? shift.createdAt));
            assert.equal(shareOfShift(next), shareOfShift(shift), 'to begin changes no share');
          }
          if (action !== 'advance' && action !== 'finish') continue;
          assert.equal(
            next.step,
            shift.step + (action === 'advance' ? 1 : 0),
            'one step at a time',
          );
          const holdMs = shift.step === 0 ? shift.observeMs : shift.everyMs;
          assert.ok(holdMs !== undefined && facts.ageMs >= holdMs, 'before its time');
          assert.ok(!facts.rolling && facts.changedForMs === undefined);
          if (!shift.guard) continue;
          assert.deepEqual(facts.silent, []);
          if (shift.step === 0) continue;
          assert.equal(judge(shift, shift.guard, facts.evidence).kind, 'good');
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

test('property: shares stay within bounds, go one way only, and come back whole', () => {
  fc.assert(
    fc.property(
      anyPlan,
      fc.boolean(),
      fc.array(anyFacts, { maxLength: 40 }),
      (plan, falls, all) => {
        let document = begun(plan, falls);
        const { from } = document.shifts[0]!;
        for (const facts of all) {
          const shift = document.shifts[0]!;
          const decision = decideShift(shift, facts);
          document = moveShift(document, shift, decision, {}, undefined, author());
          const next = document.shifts[0]!;
          const share = shareOfShift(next);
          assert.ok(share >= 0 && share <= 100);
          for (const applied of appliedShifts(document)) assert.ok(applied.share <= 1);
          if (decision.action === 'abort') assert.equal(share, from);
          else if (falls) assert.ok(share <= shareOfShift(shift));
          else assert.ok(share >= shareOfShift(shift));
          if (decision.action === 'supersede') assert.deepEqual(appliedShifts(document), []);
        }
      },
    ),
    { numRuns: 1_000 },
  );
});

test('a guard judges the side that grows, and all', () => {
  const guard = planOf().guard!;
  const good = countOf(1_000, 10);
  const sides = (target: Sides['target'], rest = good) => ({ target, rest });
  const shift = { ...planOf(), from: 0 };
  const verdict = (step: Sides, before?: Sides, recent?: Sides, of = shift) => {
    const found = judge(of, guard, { step, recent, before });
    return found.kind === 'good' ? 'good' : `${found.kind}: ${found.reason}`;
  };
  assert.equal(verdict(sides(countOf(200, 5))), 'good', '2.5 % against 1 % + 2 %');
  assert.match(verdict(sides(countOf(200, 7))), /^bad: 7 of 200 answers of the target were errors/);
  assert.match(verdict(sides(countOf(99, 99))), /^few: 99 of the 100 requests/);
  assert.match(verdict(sides(countOf(200, 0, 9))), /^bad: 95 % of the target took up to/);
  // A common fault is not the target's, but is one.
  const allBad = sides(countOf(200, 100), countOf(1_000, 500));
  assert.equal(verdict(allBad), 'good');
  assert.match(verdict(allBad, sides(countOf(0), good)), /^bad: 600 of 1200 answers of all/);
  // What has just begun is not hidden by what went well for long.
  const recent = sides(countOf(150, 50));
  assert.match(verdict(sides(countOf(50_000, 50)), undefined, recent), /^bad: 50 of 150/);
  // Where nothing fair is left to compare with: before, else failures by themselves.
  assert.equal(verdict(sides(countOf(200, 5), countOf(0)), sides(countOf(0), good)), 'good');
  assert.match(verdict(sides(countOf(200, 5), countOf(0))), /^bad/);
  const drain = {
    ...planOf({ steps: [50, 0] }),
    subject: { kind: 'region', region: 'eu' } as const,
  };
  const away = { ...drain, from: 100 };
  const others = (rest: Sides['rest']) =>
    verdict(sides(countOf(0), rest), sides(good), undefined, away);
  assert.equal(others(countOf(5_000, 100)), 'good');
  assert.match(others(countOf(5_000, 300)), /^bad: 300 of 5000 answers of the other regions/);
  assert.match(verdict(noSides, sides(good), undefined, away), /^few: 0 of the 100/);
});
