import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SharedQuestion } from './shared-question.ts';

test('one question at a time; who asks meanwhile shares one that begins after', async () => {
  const answers: (() => void)[] = [];
  const shared = new SharedQuestion(() => new Promise((resolve) => answers.push(resolve)));
  const told: string[] = [];
  const ask = (who: string) => void shared.ask().then(() => told.push(who));
  ask('first');
  for (const who of ['second', 'third']) ask(who);
  await turn();
  assert.equal(answers.length, 1);
  answers[0]!();
  await turn();
  assert.deepEqual([told, answers.length], [['first'], 2], 'what was before is no answer to them');
  ask('fourth');
  answers[1]!();
  await turn();
  assert.deepEqual([told, answers.length], [['first', 'second', 'third'], 3]);
  answers[2]!();
  await turn();
  assert.equal(told.at(-1), 'fourth');
  ask('later');
  await turn();
  assert.equal(answers.length, 4, 'nobody was waited for');
});
