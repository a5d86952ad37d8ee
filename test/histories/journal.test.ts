import assert from 'node:assert/strict';
import { appendFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Journal, readJournal } from './journal.ts';
import type { Call, Observation } from './observation.ts';

const call: Call = {
  key: 'k',
  client: 'c',
  action: 'put',
  value: '1',
  expected: undefined,
  calledAtMs: 5,
};

it('tells what was done, and of what was not answered that it may have been', (t) => {
  const path = join(tmpdir(), `meridian-journal-${process.pid}.jsonl`);
  t.after(() => rmSync(path, { force: true }));
  const journal = new Journal(path);
  const answered = journal.called(call);
  journal.called({ ...call, value: '2' });
  const answer = {
    type: 'found',
    value: undefined,
    version: undefined,
    staleForMs: 1 / 0,
  } as const;
  const read: Observation = { ...call, action: 'local', value: undefined, answeredAtMs: 9, answer };
  journal.observed(read);
  answered(8, { type: 'done', version: '1' });
  journal.told({ key: 'k', value: '1', version: '1' });
  appendFileSync(path, '{"told":{"key":"k","val');
  const { observations, told } = readJournal(path, 'a1');
  assert.deepEqual(
    observations.map(({ value, answer: { type }, answeredAtMs }) => [value, type, answeredAtMs]),
    [
      [undefined, 'found', 9],
      ['1', 'done', 8],
      ['2', 'unknown', Number.POSITIVE_INFINITY],
    ],
  );
  const [{ answer: first } = read] = observations;
  assert.equal(first.type === 'found' && first.staleForMs, Number.POSITIVE_INFINITY);
  assert.deepEqual(told, [{ key: 'k', value: '1', version: '1' }]);
});
