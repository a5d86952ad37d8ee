import assert from 'node:assert/strict';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { ManualClock } from '../base/manual-clock.ts';
import { Fleet } from './fleet.ts';
import type { RollStep } from './rolling/roll.ts';
import { Roller } from './rolling/roller.ts';
import { endWithinMs, type StartAgainOptions, startAgain } from './start-again.ts';
import { layoutOf } from './state/layout.ts';
import { emptyRecord } from './state/record.ts';
import { makeFolder, until } from './testdata/fake-stack.ts';

/** Told to end, it waits for the file `FOLDER/go`. */
const script = `
trap 'while [ ! -e "$0/go" ]; do sleep 0.02; done; exit 0' TERM
: > "$0/up.$1"
while :; do sleep 0.02; done
`;

let folder: string;
let fleet: Fleet;
let clock: ManualClock;
let stop: AbortController;
let steps: RollStep[];
let isChanging: boolean;

beforeEach(async () => {
  folder = makeFolder();
  clock = new ManualClock();
  stop = new AbortController();
  steps = [];
  isChanging = false;
  const specs = ['a', 'b'].map((node) => ({
    ...{ id: `eu/node/${node}`, kind: 'node' as const, region: 'eu', node, directory: folder },
    ...{ command: '/bin/sh', args: ['-c', script, folder, node], environment: process.env },
    logPath: join(folder, `${node}.log`),
  }));
  fleet = new Fleet(specs, layoutOf(folder), emptyRecord(''), () => undefined);
  fleet.start();
  await until(() => ['a', 'b'].every((node) => existsSync(join(folder, `up.${node}`))), 'both');
});
afterEach(async () => {
  await fleet.kill();
  rmSync(folder, { recursive: true });
});

const letGo = () => writeFileSync(join(folder, 'go'), '');
const pidOf = (index: number) => fleet.processes[index]!.identity?.pid;

function start(): ReturnType<typeof startAgain> {
  const options: StartAgainOptions = {
    ...{ fleet, clock, stop: stop.signal, isChanging: () => isChanging },
    tell: (step) => steps.push(step),
  };
  const started = startAgain(fleet.processes, options);
  started.catch(() => undefined); // seen by the test, later
  return started;
}

test('what drains is started after its end, and told of meanwhile', async () => {
  const [a] = fleet.processes;
  const [first, second] = [pidOf(0), pidOf(1)];
  fleet.drain([a!]);
  const started = start();
  clock.advance(5_000);
  await until(() => steps.length === 1, 'a word');
  assert.deepEqual(steps, [
    {
      ...{ step: 'waiting', node: 'eu/node/a', position: 1, count: 1, elapsedMs: 5_000 },
      why: 'it has not ended yet',
    },
  ]);
  assert.equal(pidOf(0), first, 'not before its end');
  letGo();
  const outcome = await started;
  assert.deepEqual([outcome.changed, outcome.unchanged], [['eu/node/a'], ['eu/node/b']]);
  assert.notEqual(pidOf(0), first);
  assert.equal(a!.state, 'running');
  assert.equal(pidOf(1), second, 'the other was left alone');
});

test('what somebody killed, and nobody has noticed yet, is started too', async () => {
  const [a] = fleet.processes;
  const first = pidOf(0)!;
  process.kill(first, 'SIGKILL');
  // Its end is told in a later turn of the loop: here it runs yet by what is written down.
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let tries = 0; !a!.isEnding; tries++) {
    assert.ok(tries < 10_000, 'it is seen to have ended');
    Atomics.wait(pause, 0, 0, 1);
  }
  assert.equal(a!.state, 'running');
  assert.deepEqual((await start()).changed, ['eu/node/a']);
  assert.notEqual(pidOf(0), first);
});

test('what does not end is named, with what was started', async () => {
  const [a, b] = fleet.processes;
  fleet.drain([a!]);
  await fleet.kill([b!]);
  const [pid, started] = [pidOf(0), start()];
  for (let atMs = 0; atMs < endWithinMs; atMs += 5_000) {
    clock.advance(5_000);
    await nextTurn();
  }
  await assert.rejects(started, {
    code: 'still_ending',
    message: new RegExp(`: eu/node/a \\(pid ${pid}\\); .*; started: eu/node/b$`),
  });
  assert.equal(steps.length, endWithinMs / 5_000 - 1);
  assert.equal(b!.state, 'running');
});

test('nothing is started where the stack ends, or a region is taken out', async () => {
  const [a, b] = fleet.processes;
  fleet.drain([a!]);
  const ending = start();
  stop.abort();
  await assert.rejects(ending, { code: 'stack_not_running' });
  stop = new AbortController();
  const changing = start();
  isChanging = true;
  letGo();
  await assert.rejects(changing, { code: 'growth_running' });
  assert.equal(a!.state, 'stopped');
  isChanging = false;
  fleet.drain([b!]);
  const dropped = start();
  fleet.drop([b!]);
  assert.deepEqual((await dropped).changed, ['eu/node/a']);
  assert.equal(b!.state, 'stopped');
});

test('who stops nodes one after the other sees the end of one that is started at once', async () => {
  const nodes = ['a', 'b'].map((name) => ({
    ...{ id: `eu/node/${name}`, title: `eu/${name}`, region: 'eu', name, serves: true },
    ...{ address: '127.0.0.1', bind: '127.0.0.1' },
  }));
  const roller = new Roller({ fleet, nodes, admin: 9, stop: stop.signal });
  const first = pidOf(0);
  const told: string[] = [];
  let started: ReturnType<typeof start> | undefined;
  const stopped = roller.run(['eu/node/a'], 'stop', ({ step }) => {
    told.push(step);
    if (step === 'draining')
      setImmediate(() => {
        started = start();
        letGo();
      });
  });
  assert.deepEqual((await stopped).changed, ['eu/node/a']);
  assert.deepEqual(told, ['draining', 'ended']);
  assert.deepEqual((await started)?.changed, ['eu/node/a']);
  assert.notEqual(pidOf(0), first);
});
