import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ShiftDecision } from './decide.ts';
import { shareOfShift } from './shift.ts';
import { shiftsKey } from './shifts.ts';
import { Deployment, planOf, regionNames } from './testdata/deployment.ts';

test('steps are taken in turn, each once, and held for their time', async () => {
  const world = new Deployment();
  await world.start();
  const seen: number[] = [];
  for (let second = 0; second < 80; second++) {
    await world.pass(1);
    const share = shareOfShift(await world.shift());
    if (share !== seen.at(-1)) seen.push(share);
  }
  assert.deepEqual(seen, [0, 1, 5, 25, 50, 100]);
  assert.equal((await world.shift()).state, 'done');
  const taken = world.actions.map(([, action]) => action);
  assert.deepEqual(taken, ['begin', ...Array(5).fill('advance'), 'finish']);
  const events = await world.shifts.events(100);
  assert.deepEqual(events.map(({ action }) => action).reverse(), ['start', ...taken]);
  world.close();
});

test('errors that rise at the second step pause it there, with the reason', async () => {
  const world = new Deployment();
  await world.start();
  while ((await world.shift()).step < 2) await world.pass(1);
  world.behaviours.canary!.failing = 0.5;
  await world.pass(15);
  const shift = await world.shift();
  assert.deepEqual([shift.state, shift.step, shareOfShift(shift)], ['paused', 2, 5]);
  assert.match(shift.reason, /were errors \(\d.* %\), more than 2 %/);
  await world.pass(60);
  assert.equal((await world.shift()).step, 2, 'it waits for an operator');
  // What failed before does not count against it when it is resumed.
  world.behaviours.canary!.failing = 0;
  const wish = { author: 'ana', message: 'mended', known: undefined };
  await world.shifts.operate(shift.id, 'resume', wish);
  await world.pass(60);
  assert.equal((await world.shift()).state, 'done');
  world.close();
});

test('what an operator has paused stays where it is, however well it does', async () => {
  const world = new Deployment();
  await world.start();
  await world.pass(8);
  const { id } = await world.shift();
  const wish = { author: 'ana', message: '', known: undefined };
  await world.shifts.operate(id, 'pause', wish);
  await world.pass(60);
  const shift = await world.shift();
  assert.deepEqual([shift.state, shift.step, shift.reason], ['paused', 1, 'pause by ana']);
  world.close();
});

test('durations that rise pause it too, and with `then=abort` it goes back', async () => {
  const world = new Deployment();
  const guard = { ...planOf().guard!, onBreach: 'abort' as const };
  await world.start(planOf({ guard, steps: [50, 100] }));
  world.behaviours.canary!.slot = 10;
  await world.pass(30);
  const shift = await world.shift();
  assert.deepEqual([shift.state, shareOfShift(shift)], ['aborted', 0]);
  assert.match(shift.reason, /95 % of the target took up to/);
  world.close();
});

test('without enough requests a step is held, however long', async () => {
  const world = new Deployment();
  world.requestsPerSecond = 0;
  await world.start();
  await world.pass(120);
  assert.deepEqual([(await world.shift()).step, (await world.shift()).state], [1, 'running']);
  assert.match(
    world.workers[0]!.controller.outlook((await world.shift()).id) ?? '',
    /0 of the 100/,
  );
  world.requestsPerSecond = 1_000;
  await world.pass(100);
  assert.equal((await world.shift()).state, 'done');
  world.close();
});

test('whoever acts may die: another goes on, and a region that is silent holds a step', async () => {
  const world = new Deployment();
  await world.start();
  while (world.actions.length < 2) await world.pass(1);
  const [actor] = world.actions.at(-1)!;
  world.kill(actor);
  await world.pass(60);
  assert.equal((await world.shift()).step, 1, 'nothing is known of what it counts');
  world.revive(actor);
  await world.pass(120);
  assert.equal((await world.shift()).state, 'done');
  const actions = world.actions.map(([, action]) => action);
  assert.equal(actions.filter((action) => action === 'advance').length, 5, `${actions}`);
  world.close();
});

test('without a guard the death of any node but the last stops nothing', async () => {
  const world = new Deployment();
  await world.start(planOf({ guard: undefined }));
  await world.pass(8);
  for (const region of ['ap', 'us']) {
    world.kill(region);
    await world.pass(30);
  }
  await world.pass(30);
  assert.equal((await world.shift()).state, 'done');
  world.close();
});

test('one that was held up applies nothing: what it saw is not there any more', async () => {
  const world = new Deployment();
  await world.start();
  await world.pass(8);
  const late = (await world.shifts.read())!;
  const [shift] = late.document.shifts;
  const advance: ShiftDecision = { action: 'advance', reason: 'late' };
  await world.pass(30);
  const before = await world.shifts.read();
  assert.ok(before!.document.shifts[0]!.step > shift!.step);
  for (const action of ['advance', 'abort', 'begin'] as const) {
    const done = await world.shifts.move(late, shift!, { ...advance, action }, {}, undefined, 'eu');
    assert.equal(done, false);
  }
  assert.deepEqual(await world.shifts.read(), before);
  world.close();
});

test('a store that was set back: nobody acts on it, and what nodes know is put back', async () => {
  const world = new Deployment();
  await world.start(planOf({ guard: undefined }));
  await world.pass(8);
  const backup = await world.shifts.read();
  await world.pass(12);
  const { id } = await world.shift();
  await world.shifts.operate(id, 'abort', { author: 'ana', message: '', known: undefined });
  await world.pass(1);
  const newest = (await world.shifts.read())!.document;
  const taken = world.actions.length;
  // With another shift in force all controllers go on looking.
  const other = planOf({ subject: { kind: 'region', region: 'eu' }, to: 'eu', steps: [50] });
  await world.start({ ...other, startAt: new Date(world.clock.wallMs() + 1e9).toISOString() });
  await world.pass(1);
  const bytes = Buffer.from(JSON.stringify(backup!.document));
  await world.store.bucket('shifts').put(shiftsKey, bytes);
  await world.pass(15);
  assert.equal(world.actions.length, taken, 'what was aborted does not go on');
  const { document } = (await world.shifts.read())!;
  assert.equal(document.sequence, newest.sequence + 1);
  for (const { follower } of world.workers) assert.deepEqual(follower.document, document);
  world.close();
});

test('while a node knows more than the store says it waits, and says so', async () => {
  const world = new Deployment();
  await world.start(planOf({ guard: undefined }));
  await world.pass(8);
  const [{ region, controller }] = world.workers as [(typeof world.workers)[0]];
  const backup = (await world.shifts.read())!;
  await world.pass(12);
  const { document } = (await world.shifts.read())!;
  for (const worker of world.workers) worker.follower.close();
  for (const name of regionNames) if (name !== region) world.kill(name);
  const bucket = world.store.bucket('shifts');
  await bucket.put(shiftsKey, Buffer.from(JSON.stringify(backup.document)));
  const taken = world.actions.length;
  await world.pass(30);
  assert.equal(world.actions.length, taken);
  const { id } = await world.shift();
  assert.equal(controller.outlook(id), `waits for the store to have change ${document.sequence}`);
  await bucket.put(shiftsKey, Buffer.from(JSON.stringify(document)));
  await world.pass(8);
  assert.equal(world.actions.length, taken + 1, 'the step was held meanwhile');
  world.close();
});

test('an operator and all nodes at once: each change is one of a line, and none is lost', async () => {
  const world = new Deployment();
  await world.start(planOf({ everyMs: 500, guard: undefined, observeMs: 0 }));
  const { id } = await world.shift();
  const wish = { author: 'ana', message: '', known: undefined };
  await world.pass(1);
  await Promise.all([
    world.pass(2),
    world.shifts.operate(id, 'pause', wish),
    world.shifts.operate(id, 'abort', wish).catch(() => undefined),
  ]);
  await world.pass(10);
  const events = await world.shifts.events(100);
  const sequences = events.map(({ sequence }) => sequence);
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => b - a),
  );
  assert.equal(sequences.at(-1), 1, 'the chain is whole');
  assert.equal(new Set(sequences).size, sequences.length);
  assert.equal((await world.shift()).state, 'aborted');
  world.close();
});

test('while a revision is rolled out no step is taken; other weights end it once that is over', async () => {
  const world = new Deployment();
  await world.start(planOf({ steps: [10, 20, 100] }));
  await world.pass(8);
  world.rolling = true;
  await world.pass(40);
  assert.equal((await world.shift()).step, 1);
  const weights = world.config.routes[0]!.services!;
  Object.assign(world, {
    config: {
      ...world.config,
      routes: [
        { ...world.config.routes[0]!, services: [weights[0]!, { ...weights[1]!, weight: 7 }] },
      ],
    },
  });
  await world.pass(30);
  assert.equal((await world.shift()).state, 'running', 'it may still be rolled back');
  world.rolling = false;
  await world.pass(15);
  assert.equal((await world.shift()).state, 'superseded');
  assert.match((await world.shift()).reason, /other weights/);
  world.close();
});

test('it begins at its time', async () => {
  const world = new Deployment();
  const startAt = new Date(world.clock.wallMs() + 60_000).toISOString();
  await world.start(planOf({ startAt }));
  await world.pass(55);
  assert.equal((await world.shift()).state, 'scheduled');
  await world.pass(20);
  assert.ok((await world.shift()).step > 0);
  world.close();
});
