import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judge } from './judge.ts';
import type { Answer, Observation, Told } from './observation.ts';

const client = 'c';
function write(value: string, atMs: number, version?: number): Observation {
  const answer: Answer =
    version === undefined
      ? { type: 'unknown', code: 'no_quorum' }
      : { type: 'done', version: String(version) };
  const times = { calledAtMs: atMs, answeredAtMs: atMs + 10 };
  return { key: 'k', client, action: 'put', value, expected: undefined, ...times, answer };
}

function deletion(atMs: number): Observation {
  const answer = { type: 'done', version: undefined } as const;
  return { ...write('', atMs), action: 'delete', value: undefined, answer };
}

function read(action: 'local' | 'strong', value: string | undefined, version: number | undefined) {
  return (atMs: number, staleForMs: number): Observation => ({
    key: 'k',
    client,
    action,
    by: 'get',
    value: undefined,
    expected: undefined,
    calledAtMs: atMs,
    answeredAtMs: atMs + 10,
    answer: { type: 'found', value, version: version?.toString(), staleForMs },
  });
}

function findings(...observations: Observation[]): string[] {
  return judge([{ name: 'a1', observations, told: [] }]);
}

function findingsOfWatch(...told: Told[]): string[] {
  return judge([{ name: 'a1', observations: [first], told }]);
}

const first = write('1', 0, 1);
const second = write('2', 1_000, 2);
const old = read('local', '1', 1);
const none = read('local', undefined, undefined);

it('lets local reads be as old as they say', () => {
  assert.deepEqual(findings(first, second, old(1_500, 491)), []);
  assert.match(
    findings(first, second, old(1_500, 489)).join(),
    /at most 489.0 ms old, and was not/,
  );
  assert.deepEqual(findings(first, none(500, 491)), []);
  assert.match(findings(first, none(500, 489)).join(), /read undefined/);
  assert.deepEqual(findings(first, second, old(1_500, Number.POSITIVE_INFINITY)), []);
});

it('knows when a key had no value', () => {
  const written = [first, deletion(1_000), write('2', 2_000, 3)];
  assert.deepEqual(findings(...written, none(2_500, 491)), []);
  assert.match(findings(...written, none(2_500, 489)).join(), /read undefined/);
  assert.match(findings(...written, old(2_500, 1_489)).join(), /read 1/);
  assert.deepEqual(findings(...written, old(2_500, 1_491)), []);
  assert.match(findings(first, none(990, 0), deletion(1_001)).join(), /read undefined/);
});

it('takes what local reads saw for what happened', () => {
  const unknown = write('2', 1_000);
  const seen = read('local', '2', 2);
  assert.deepEqual(findings(first, unknown, seen(2_000, 0), seen(3_000, 0)), []);
  assert.match(findings(first, unknown, seen(2_000, 0), old(3_000, 989)).join(), /read 1/);
  assert.deepEqual(findings(first, unknown, seen(2_000, 0), old(3_000, 991)), []);
});

it('takes strong reads as they are, and leaves out what did not happen', () => {
  assert.match(findings(first, second, read('strong', '1', 1)(1_500, 0)).join(), /linearizable/);
  const refused = { ...write('3', 1_200), answer: { type: 'none', code: 'unreachable' } } as const;
  assert.deepEqual(findings(first, second, refused, read('strong', '2', 2)(1_500, 0)), []);
  assert.match(findings(first, refused, read('strong', '3', 3)(1_500, 0)).join(), /linearizable/);
  const unknown = write('3', 1_200);
  assert.deepEqual(findings(first, unknown, read('strong', '3', 3)(9_500, 0)), []);
});

it('finds a value that was stored twice, and one that nobody wrote', () => {
  const told = (version: string) => ({ key: 'k', value: '1', version });
  const found = findingsOfWatch(told('1'), told('4'));
  assert.match(found.join(), /more than once: versions 1, 4/);
  assert.match(findings(first, read('local', '7', 7)(500, 0)).join(), /nobody had written/);
});

it('finds versions that go back, of writes and of a watch', () => {
  assert.match(findings(write('1', 0, 5), write('2', 1_000, 4)).join(), /version 4 after 5/);
  assert.deepEqual(findings(write('1', 0, 5), write('2', 5, 4)), []);
  const deleted = { key: 'k', value: undefined, version: '3-deleted' };
  assert.deepEqual(findingsOfWatch({ key: 'k', value: '1', version: '1' }, deleted, deleted), []);
  const back = findingsOfWatch(deleted, { key: 'k', value: '1', version: '1' });
  assert.match(back.join(), /told of version 1 after 3/);
  const ended = [{ name: 'a1', observations: [], told: [], watchEnded: 'position lost' }];
  assert.match(judge(ended).join(), /watch of a1 ended: position lost/);
});
