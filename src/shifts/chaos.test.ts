import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';

import { isShiftError } from './errors.ts';
import { type Operation, shareOfShift } from './shift.ts';
import { type SeenShifts, shiftsKey } from './shifts.ts';
import { Deployment, planOf, regionNames } from './testdata/deployment.ts';

/** SHIFT_SCHEDULES=500 gives the long form. */
const numRuns = Number(process.env.SHIFT_SCHEDULES ?? 12);

type Fault =
  | { readonly kind: 'kill' | 'revive'; readonly region: string }
  | { readonly kind: 'fail'; readonly share: number }
  | { readonly kind: 'roll'; readonly on: boolean }
  | { readonly kind: 'operate'; readonly operation: Operation }
  /** A node that looked at the time of one of these acts at the time of the next. */
  | { readonly kind: 'late' }
  /** The store is restored from the backup that was made at the time of the last of these. */
  | { readonly kind: 'restore' }
  | { readonly kind: 'pass'; readonly seconds: number };

const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('kill' as const, 'revive' as const),
    region: fc.constantFrom(...regionNames),
  }),
  fc.record({ kind: fc.constantFrom('late' as const, 'restore' as const) }),
  fc.record({ kind: fc.constant('fail' as const), share: fc.constantFrom(0, 0, 0.2) }),
  fc.record({ kind: fc.constant('roll' as const), on: fc.boolean() }),
  fc.record({
    kind: fc.constant('operate' as const),
    operation: fc.constantFrom<Operation>('pause', 'resume', 'resume', 'advance', 'abort'),
  }),
  fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 12 }) }),
);

async function inject(world: Deployment, fault: Fault): Promise<void> {
  const worker = (region: string) => world.workers.find((one) => one.region === region)!;
  if (fault.kind === 'kill' && worker(fault.region).alive) world.kill(fault.region);
  if (fault.kind === 'revive' && !worker(fault.region).alive) world.revive(fault.region);
  if (fault.kind === 'fail') world.behaviours.canary!.failing = fault.share;
  if (fault.kind === 'roll') world.rolling = fault.on;
  if (fault.kind === 'pass') await world.pass(fault.seconds);
  if (fault.kind !== 'operate') return;
  const { id } = await world.shift();
  const known = world.workers.find(({ alive }) => alive)?.follower.document;
  const wish = { author: 'ana', message: '', known };
  await world.shifts.operate(id, fault.operation, wish).catch((error: unknown) => {
    assert.ok(isShiftError(error, 'shift_not_possible'), String(error));
  });
}

/** What was seen last time is acted on now; what is seen now, next time. */
async function actLate(world: Deployment, looked: SeenShifts | undefined) {
  const now = await world.shifts.read();
  const [shift] = looked?.document.shifts ?? [];
  const decision = { action: 'advance', reason: 'it was due' } as const;
  const isDue = shift && shift.state === 'running' && shift.step < shift.steps.length;
  if (looked && isDue) await world.shifts.move(looked, shift, decision, {}, undefined, 'late');
  return now;
}

/** What nodes know is to outlive it; what no node has heard of is lost with the store. */
async function restore(world: Deployment, backup: SeenShifts | undefined) {
  const now = (await world.shifts.read())!;
  const alive = world.workers.filter((worker) => worker.alive);
  const isKnown = alive.every(
    ({ follower }) => follower.document?.sequence === now.document.sequence,
  );
  if (!backup || alive.length === 0 || !isKnown) return now;
  const bytes = Buffer.from(JSON.stringify(backup.document));
  await world.store.bucket('shifts').put(shiftsKey, bytes);
  await world.pass(6);
  return (await world.shifts.read())!;
}

/** Each event follows from the one before as the picture of states says. */
async function checkLine(world: Deployment, steps: readonly number[]): Promise<void> {
  const events = (await world.shifts.events(1_000)).toReversed();
  assert.equal(events[0]!.action, 'start', 'the line is whole');
  const line = [0, ...steps];
  for (const [at, { sequence, action, share, state, by }] of events.entries()) {
    assert.equal(sequence, at + 1);
    if (at === 0) continue;
    const before = events[at - 1]!;
    const moved = line.indexOf(share) - line.indexOf(before.share);
    if (action === 'advance') {
      assert.equal(moved, 1, 'one step');
      assert.ok(before.state === 'running' || by === 'ana', 'a pause is left by an operator only');
    } else if (action === 'abort') assert.deepEqual([share, state], [0, 'aborted']);
    else assert.equal(moved, 0, `${action} moves nothing`);
    assert.notEqual(before.state, 'aborted', 'what is over stays over');
    if (before.state === 'done') assert.equal(action, 'abort');
  }
}

test('property: over any deaths, faults and orders steps follow each other, and it comes to an end', async () => {
  const plan = planOf({ steps: [10, 50, 100], everyMs: 3_000, observeMs: 1_000 });
  await fc.assert(
    fc.asyncProperty(fc.array(anyFault, { minLength: 5, maxLength: 25 }), async (faults) => {
      const world = new Deployment();
      await world.start(plan);
      const held = new Map<object, number>();
      let looked: SeenShifts | undefined;
      let backup: SeenShifts | undefined;
      for (const fault of faults) {
        await inject(world, fault);
        if (fault.kind === 'late') looked = await actLate(world, looked);
        if (fault.kind === 'restore') backup = await restore(world, backup);
        for (const { follower } of world.workers) {
          const sequence = follower.document?.sequence ?? 0;
          assert.ok(sequence >= (held.get(follower) ?? 0), 'a node went back');
          held.set(follower, sequence);
        }
      }
      for (const region of regionNames) await inject(world, { kind: 'revive', region });
      await inject(world, { kind: 'fail', share: 0 });
      await inject(world, { kind: 'roll', on: false });
      await inject(world, { kind: 'operate', operation: 'resume' });
      await world.pass(45);
      const shift = await world.shift();
      assert.ok(['done', 'aborted'].includes(shift.state), `${shift.state}: ${shift.reason}`);
      for (const { follower } of world.workers) {
        assert.equal(shareOfShift(follower.document!.shifts[0]!), shareOfShift(shift));
      }
      await checkLine(world, plan.steps);
      world.close();
    }),
    { numRuns },
  );
});
