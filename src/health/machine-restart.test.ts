// Where the machine cannot trust what it saw before: stalls, pauses, clocks that jump, restarts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSavedHealth } from './saved-state.ts';
import { calm, Harness } from './testdata/machine-harness.ts';

test('a probe that a stall made fail is not believed', () => {
  const h = calm();
  const startedMs = h.nowMs;
  h.nowMs += 700; // no tick meanwhile: the event loop stood still
  h.wallMs += 700;
  h.probe('10.1.0.1', '--', startedMs);
  assert.deepEqual(h.news(), []);
  h.probe('10.1.0.1', '--'); // begun after it
  assert.deepEqual(h.news(), ['service/rates/a unhealthy']);
});

test('after a pause longer than freshness own verdicts are unknown until probed again', () => {
  const h = calm();
  h.nowMs += 3_100; // probes of before would still be valid
  h.wallMs += 3_100;
  h.ticks(1);
  assert.equal(h.machine.vector().verdicts.size, 0);
  assert.deepEqual(h.news(), []);
  h.probe('10.1.0.1', '-');
  assert.equal(h.machine.vector().verdicts.size, 0);
  h.probe('10.1.0.1', '-');
  assert.deepEqual(h.news(), ['service/rates/a unhealthy']);
});

test('so too when the wall clock jumps against the monotonic one', () => {
  for (const jumpMs of [600_000, -600_000]) {
    const h = calm();
    h.wallMs += jumpMs;
    h.ticks(1);
    assert.equal(h.machine.vector().verdicts.size, 0);
    assert.equal(h.machine.vantages().find(({ region }) => region === 'b')?.fresh, false);
    assert.deepEqual(h.news(), []);
  }
});

test('probes that stopped without a word are no evidence', () => {
  const h = calm();
  h.ticks(40);
  assert.equal(h.machine.vector().verdicts.get('gateway/b'), 'up');
  h.ticks(1);
  assert.equal(h.machine.vector().verdicts.get('gateway/b'), undefined);
  assert.deepEqual(h.news(), []);
});

test('a restart starts from the last state, with its age, until there is evidence', () => {
  const before = calm();
  before.hear('b', {}, { draining: true });
  before.probe('10.0.0.3', '--').hear('b', { 'gateway/c': 'down' }, { draining: true }).ticks(20);
  const text = JSON.stringify(before.machine.exportState(before.nowMs));
  const saved = parseSavedHealth(JSON.parse(text));
  assert.ok(saved);
  const h = new Harness();
  h.note(h.machine.restoreState(saved, 60_000, h.nowMs));
  assert.equal(h.state('gateway/c'), 'unhealthy');
  assert.equal(h.state('gateway/b'), 'healthy');
  assert.match(h.reason('gateway/c') ?? '', /state from disk, 1m old/);
  const status = h.machine.states().find(({ subject }) => subject.key === 'gateway/c');
  assert.equal(status?.sinceMs, -62_000);
  assert.equal(status?.flaps, 1);
  assert.equal(h.machine.vantages().find(({ region }) => region === 'b')?.draining, true);
  assert.equal(h.machine.vector().verdicts.size, 0); // what is from disk is not said to others
  assert.deepEqual(h.ticks(50).news(), []);
  h.hear('b', { 'gateway/c': 'up' }).probe('10.0.0.3', '+++');
  assert.deepEqual(h.news(), ['b draining false', 'gateway/c healthy']);
  h.hear('b', { 'service/rates/b': 'up' }).ticks(50);
  assert.equal(h.reason('service/rates/b'), 'no word from b; last state held'); // not from disk
});

test('what cannot be read from disk is left out', () => {
  for (const broken of [undefined, null, 'x', [], {}, { version: 2 }, { version: 1 }]) {
    assert.equal(parseSavedHealth(broken), undefined);
  }
  assert.deepEqual(
    parseSavedHealth({
      version: 1,
      incarnation: 4,
      subjects: {
        'gateway/a': { state: 'healthy', forMs: 1, flaps: 2 },
        'gateway/b': { state: 'fine', forMs: 1, flaps: 2 },
        'gateway/c': { state: 'healthy', forMs: -1, flaps: 2 },
        'gateway/d': 7,
      },
      draining: ['b', 3],
      drainingNodes: { b: ['n1', 7], c: 'n1' },
    }),
    {
      version: 1,
      incarnation: 4,
      subjects: { 'gateway/a': { state: 'healthy', forMs: 1, flaps: 2 } },
      draining: ['b'],
      drainingNodes: { b: ['n1'], c: [] },
    },
  );
});
