import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judge } from './judge.ts';
import type { Answer, Observation } from './observation.ts';

const client = 'c';
function write(value: string, atMs: number, version?: number): Observation {
  const answer: Answer =
    version === undefined
      ? { type: 'unknown', code: 'no_quorum' }
      : { type: 'done', version: String(version) };
  const times = { calledAtMs: atMs, answeredAtMs: atMs + 10 };
  return { key: 'k', client, action: 'put', value, expected: undefined, ...times, answer };
}

function read(action: 'local' | 'strong', value: string | undefined, version: number | undefined) {
  return (atMs: number, staleForMs: number): Observation => ({
    key: 'k',
    client,
    action,
    value: undefined,
    expected: undefined,
    calledAtMs: atMs,
    answeredAtMs: atMs + 10,
    answer: { type: 'found', value, version: version?.toString(), staleForMs },
  });
}

function findings(...observations: Observation[]): string[] {
  return judge([{ observations, told: [] }]);
}

const first = write('1', 0, 1);
const second = write('2', 1_000, 2);
const old = read('local', '1', 1);

it('lets local reads be as old as they say', () => {
  assert.deepEqual(findings(first, second, old(1_500, 600)), []);
  assert.match(findings(first, second, old(1_500, 200)).join(), /at most 200 ms old/);
  assert.match(findings(first, read('local', undefined, undefined)(500, 100)).join(), /version 0/);
  assert.deepEqual(findings(first, read('local', undefined, undefined)(500, 900)), []);
});

it('takes strong reads as they are, and leaves out what did not happen', () => {
  assert.match(findings(first, second, read('strong', '1', 1)(1_500, 0)).join(), /linearizable/);
  const none = { ...write('3', 1_200), answer: { type: 'none', code: 'unreachable' } } as const;
  assert.deepEqual(findings(first, second, none, read('strong', '2', 2)(1_500, 0)), []);
  assert.match(findings(first, none, read('strong', '3', 3)(1_500, 0)).join(), /linearizable/);
  const unknown = write('3', 1_200);
  assert.deepEqual(findings(first, unknown, read('strong', '3', 3)(9_500, 0)), []);
});

it('finds a value that was stored twice, and one that nobody wrote', () => {
  const told = [
    { key: 'k', value: '1', version: '1' },
    { key: 'k', value: '1', version: '4' },
  ];
  assert.match(judge([{ observations: [first], told }]).join(), /more than once: versions 1, 4/);
  assert.match(findings(first, read('local', '7', 7)(500, 0)).join(), /nobody had written/);
});
