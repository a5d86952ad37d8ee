import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ProcessState } from '../processes/stack-process.ts';
import {
  beginRoll,
  endedWithinMs,
  fitWithinMs,
  type NodeSight,
  type RollState,
  type RollStep,
  silentWithinMs,
  tellEveryMs,
  turnRoll,
} from './roll.ts';

const well: NodeSight = {
  process: 'running',
  ended: undefined,
  answers: true,
  lacks: undefined,
  othersServe: true,
};
const stopped: NodeSight = { ...well, process: 'stopped', ended: 'SIGTERM', answers: false };
const unfit: NodeSight = { ...well, lacks: 'it is not ready (503)' };

/** Takes turns with what is seen at which time, and gives what was done and told. */
function play(state: RollState, seen: readonly (readonly [number, NodeSight])[]) {
  const moves: string[] = [];
  const told: RollStep[] = [];
  for (const [nowMs, sight] of seen) {
    const turn = turnRoll(state, sight, nowMs);
    state = turn.state;
    const { move } = turn;
    moves.push(move.type === 'fail' ? `fail: ${move.why}` : move.type);
    if (turn.told) told.push(turn.told);
  }
  return { moves, told, state };
}

test('one node after the other leaves, starts, and is fit before the next one leaves', () => {
  const { moves, told } = play(beginRoll(['eu/node', 'us/node'], 'restart', 0), [
    [0, well],
    [100, well],
    [12_000, stopped],
    [12_100, unfit],
    [13_000, well],
    [13_100, well],
    [20_000, stopped],
    [21_000, well],
  ]);
  assert.deepEqual(moves, ['stop', 'wait', 'start', 'wait', 'wait', 'stop', 'start', 'done']);
  assert.deepEqual(
    told.map(({ step, node, position, elapsedMs }) => [step, node, position, elapsedMs]),
    [
      ['draining', 'eu/node', 1, 0],
      ['ended', 'eu/node', 1, 12_000],
      ['ready', 'eu/node', 1, 1_000],
      ['draining', 'us/node', 2, 100],
      ['ended', 'us/node', 2, 6_900],
      ['ready', 'us/node', 2, 1_000],
    ],
  );
});

test('to stop nodes is the same without their start; one that stands is passed over', () => {
  const begun = beginRoll(['eu/node', 'us/node'], 'stop', 0);
  assert.deepEqual(
    play(begun, [
      [0, stopped],
      [100, well],
      [200, stopped],
    ]).moves,
    ['wait', 'stop', 'done'],
  );
});

test('a node that does not run is started, and must be fit as any other', () => {
  const begun = beginRoll(['eu/node'], 'restart', 0);
  assert.deepEqual(
    play(begun, [
      [0, stopped],
      [1, unfit],
      [2, well],
    ]).moves,
    ['start', 'wait', 'done'],
  );
});

test('whoever would leave nobody who serves stays; to stop it all the same is possible', () => {
  const last = { ...well, othersServe: false };
  assert.match(
    play(beginRoll(['eu/node'], 'restart', 0), [[0, last]]).moves[0]!,
    /^fail: no other node is ready: to stop it would leave nobody who serves$/,
  );
  assert.deepEqual(play(beginRoll(['eu/node'], 'stop', 0), [[0, last]]).moves, ['stop']);
});

test('a node that is not fit in time fails the sequence with what it lacks', () => {
  const starting = play(beginRoll(['eu/node', 'us/node'], 'restart', 0), [
    [0, well],
    [1_000, stopped],
  ]).state;
  const atLimit = 1_000 + fitWithinMs;
  assert.deepEqual(play(starting, [[atLimit, unfit]]).moves, ['wait']);
  const late = play(starting, [[atLimit + 1, unfit]]);
  assert.deepEqual(late.moves, ['fail: 60 s after its start, it is not ready (503)']);
  assert.deepEqual(
    late.told.map(({ step }) => step),
    ['failed'],
  );
  const frozen = { ...well, process: 'frozen' as ProcessState };
  assert.match(play(starting, [[atLimit + 1, frozen]]).moves[0]!, /it is frozen$/);
});

test('a node that ends as it starts fails the sequence at once', () => {
  const { moves } = play(beginRoll(['eu/node'], 'restart', 0), [
    [0, well],
    [10, stopped],
    [20, { ...stopped, ended: 'exit code 3' }],
  ]);
  assert.equal(moves[2], 'fail: it ended (exit code 3) as it started');
});

test('a drain may be long while the node answers; one that is silent hangs', () => {
  const stopping = play(beginRoll(['eu/node'], 'restart', 0), [[0, well]]).state;
  const long = play(stopping, [
    [600_000, well],
    [endedWithinMs, well],
    [endedWithinMs + 1, well],
  ]);
  assert.deepEqual(long.moves.slice(0, 2), ['wait', 'wait']);
  assert.match(long.moves[2]!, /^fail: asked to end \(SIGTERM\) 3660 s ago, it has not ended yet/);
  const silent = { ...well, answers: false };
  const hung = play(stopping, [
    [50_000, well],
    [50_000 + silentWithinMs, silent],
    [50_001 + silentWithinMs, silent],
  ]);
  assert.deepEqual(hung.moves.slice(0, 2), ['wait', 'wait']);
  assert.match(hung.moves[2]!, /^fail: .*silent for 30 s; `meridian node kill` ends it$/);
});

test('whoever waits hears something in time, whatever happens', () => {
  const sight = fc.record({
    process: fc.constantFrom<ProcessState>('running', 'running', 'running', 'stopped', 'frozen'),
    ended: fc.constant('SIGTERM'),
    answers: fc.boolean(),
    lacks: fc.option(fc.constant('it is not ready (503)'), { nil: undefined }),
    othersServe: fc.constant(true),
  });
  const nodes = fc.array(fc.constant('n'), { minLength: 1, maxLength: 4 });
  const stretch = fc.tuple(sight, fc.integer({ min: 1, max: 60 }));
  fc.assert(
    fc.property(nodes, fc.array(stretch, { maxLength: 20 }), (ids, stretches) => {
      const sights = stretches.flatMap(([seen, turns]) =>
        Array.from({ length: turns }, () => seen),
      );
      let state = beginRoll(ids, 'restart', 0);
      let away = 0;
      let toldMs = 0;
      for (const [turns, seen] of sights.entries()) {
        const nowMs = turns * 500;
        const { state: next, move, told } = turnRoll(state, seen, nowMs);
        if (told) toldMs = nowMs;
        assert.ok(nowMs - toldMs <= tellEveryMs + 500);
        // At most one is away, and it is the present one.
        if (move.type === 'stop') away++;
        if (state.phase === 'starting' && next.phase === 'next') {
          assert.equal(seen.lacks, undefined);
          away = 0;
        }
        assert.ok(away <= 1);
        assert.ok(next.index >= state.index && next.index <= state.index + 1);
        if (move.type === 'done' || move.type === 'fail') return;
        state = next;
      }
    }),
  );
});
