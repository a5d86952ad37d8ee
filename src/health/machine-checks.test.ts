import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from './hysteresis.ts';
import { Harness, planOf } from './testdata/machine-harness.ts';

const web = { type: 'tcp', host: '10.9.0.1', port: 80 };

/** A node of `own` among the regions a, b and c. */
function world(checks: object, own = 'a'): Harness {
  return new Harness(planOf('a b c', own, {}, checks), own).ticks(1);
}

const keyOf = (h: Harness, name: string): string =>
  h.machine.states().find(({ subject }) => subject.check?.name === name)?.subject.key ?? '';

function hear(h: Harness, from: string, verdicts: Record<string, Verdict>): void {
  const byKey = Object.entries(verdicts).map(([name, word]) => [keyOf(h, name), word]);
  h.hear(from, Object.fromEntries(byKey));
}

test('a check by name is decided by the quorum of all, the own vantage included', () => {
  const h = world({ web });
  h.probe('10.9.0.1', '+++');
  hear(h, 'b', { web: 'up' });
  assert.equal(h.state('check/web'), 'healthy');
  h.probe('10.9.0.1', '--'); // one of three
  hear(h, 'c', { web: 'up' });
  assert.equal(h.state('check/web'), 'healthy');
  hear(h, 'b', { web: 'down' });
  assert.equal(h.state('check/web'), 'unhealthy');
  assert.equal(
    h.reason('check/web'),
    '2 of 3 vantages heard say down: a, b (10.9.0.1:80: connection refused)',
  );
});

test('only its vantages probe and vote', () => {
  const checks = { web: { ...web, vantages: ['b', 'c'] } };
  const here = world(checks);
  assert.throws(() => here.target('10.9.0.1'), /nothing probes/);
  hear(here, 'b', { web: 'down' });
  assert.equal(here.state('check/web'), 'unknown'); // one of two is not more than half
  hear(here, 'c', { web: 'down' });
  assert.equal(here.state('check/web'), 'unhealthy');
  const there = world(checks, 'b');
  there.probe('10.9.0.1', '+++');
  hear(there, 'a', { web: 'down' });
  assert.equal(there.reason('check/web'), '1 of 2 vantages heard: own probes say up');
});

test('a share of the vantages that say up is enough, where it is set', () => {
  const h = world({ web: { ...web, quorum: { up: 0.3 } } });
  h.probe('10.9.0.1', '--');
  hear(h, 'b', { web: 'down' });
  assert.equal(h.state('check/web'), 'unhealthy');
  hear(h, 'c', { web: 'up' });
  assert.equal(h.state('check/web'), 'healthy');
  assert.equal(
    h.reason('check/web'),
    '1 of 3 vantages heard say up: c (10.9.0.1:80: connection refused)',
  );
});

test('another target drops state, evidence, and what others still say of the old one', () => {
  const h = world({ web });
  const before = keyOf(h, 'web');
  h.probe('10.9.0.1', '--');
  h.hear('b', { [before]: 'down' });
  h.news();
  const saved = h.machine.exportState(h.nowMs);
  const moved = planOf('a b c', 'a', {}, { web: { ...web, host: '10.9.0.2' } });
  h.note(h.machine.reconfigure(moved, h.nowMs));
  assert.equal(h.state('check/web'), 'unknown');
  h.hear('b', { [before]: 'down' }).hear('c', { [before]: 'down' });
  assert.equal(h.state('check/web'), 'unknown');
  assert.throws(() => h.target('10.9.0.1'), /nothing probes/);
  const restarted = new Harness(moved);
  restarted.machine.restoreState(saved, 1_000, 0);
  assert.equal(restarted.state('check/web'), 'unknown');
});

test('what does not change the target keeps the state, over a restart too', () => {
  const h = world({ web });
  h.probe('10.9.0.1', '--');
  hear(h, 'b', { web: 'down' });
  const saved = h.machine.exportState(h.nowMs);
  const other = planOf('a b c', 'a', {}, { web: { ...web, interval: '2s', vantages: ['a', 'b'] } });
  h.note(h.machine.reconfigure(other, h.nowMs));
  assert.equal(h.state('check/web'), 'unhealthy');
  const restarted = new Harness(other);
  restarted.machine.restoreState(saved, 1_000, 0);
  assert.equal(restarted.state('check/web'), 'unhealthy');
  h.note(h.machine.reconfigure(planOf('a b c', 'a'), h.nowMs));
  assert.equal(h.state('check/web'), undefined);
});

test('computed checks follow at once, through several, and are told to nobody', () => {
  const h = world({
    not: { type: 'inverted', of: 'both' },
    both: { type: 'calculated', of: ['web', 'db'], atLeast: 2 },
    web,
    db: { ...web, host: '10.9.0.2' },
  });
  assert.equal(h.state('check/both'), 'unknown');
  h.news();
  for (const host of ['10.9.0.1', '10.9.0.2']) h.probe(host, '+++');
  hear(h, 'b', { web: 'up', db: 'up' });
  assert.equal(h.state('check/both'), 'healthy');
  assert.equal(h.state('check/not'), 'unhealthy');
  h.probe('10.9.0.2', '--');
  h.news();
  hear(h, 'b', { web: 'up', db: 'down' });
  assert.deepEqual(h.news(), [
    `${keyOf(h, 'db')} unhealthy`,
    'check/both unhealthy',
    'check/not healthy',
  ]);
  assert.equal(h.reason('check/both'), '1 of 2 healthy, 2 needed: db is unhealthy');
  assert.equal(h.reason('check/not'), 'the inverse of both, which is unhealthy');
  assert.deepEqual(
    [...h.machine.vector().verdicts.keys()],
    ['web', 'db'].map((name) => keyOf(h, name)),
  );
});

test('a disabled check counts as healthy, for those that are computed from it too', () => {
  const h = world({ web: { ...web, disabled: true }, not: { type: 'inverted', of: 'web' } });
  assert.equal(h.state('check/web'), 'healthy');
  assert.equal(h.state('check/not'), 'unhealthy');
});

const metric = {
  type: 'metric',
  url: 'http://10.9.0.3:9090',
  query: 'up',
  above: 0,
  vantages: ['a'],
};

test('without a value the last state holds while it is fresh, then the state is unknown', () => {
  const h = world({ metric });
  h.probe('10.9.0.3', '+++').ticks(1);
  assert.equal(h.state('check/metric'), 'healthy');
  h.probe('10.9.0.3', '?').ticks(35);
  assert.equal(h.state('check/metric'), 'healthy');
  h.probe('10.9.0.3', '?').ticks(10);
  assert.equal(h.state('check/metric'), 'unknown');
  assert.equal(h.reason('check/metric'), 'no vantage has a value (10.9.0.3:9090: no value)');
  h.probe('10.9.0.3', '--').ticks(1);
  assert.equal(h.state('check/metric'), 'unhealthy');
});

test('without a value from the start the state from disk does not hold for ever', () => {
  const before = world({ metric });
  before.probe('10.9.0.3', '+++');
  const h = new Harness(planOf('a b c', 'a', {}, { metric }));
  h.machine.restoreState(before.machine.exportState(before.nowMs), 1_000, 0);
  for (let i = 0; i < 3; i++) h.probe('10.9.0.3', '?').ticks(10);
  assert.equal(h.state('check/metric'), 'healthy');
  for (let i = 0; i < 2; i++) h.probe('10.9.0.3', '?').ticks(10);
  assert.equal(h.state('check/metric'), 'unknown');
});
