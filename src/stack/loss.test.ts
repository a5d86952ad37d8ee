import assert from 'node:assert/strict';
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { askStack, findRunningStack, findStack } from './control/client.ts';
import { endStack } from './down.ts';
import { isStopped } from './processes/identity.ts';
import { findMarked } from './processes/marked.ts';
import { readRecord } from './state/record.ts';
import { surveyStack } from './survey.ts';
import { FakeStack, makeFolder, somePlace, until } from './testdata/fake-stack.ts';

/** What can be taken from below a running stack, and what is left then. */

const recordOf = (stack: FakeStack) => join(stack.state, 'stack.json');

test('the removal of the state directory ends the stack, and the next waits for that', async (t) => {
  const folder = makeFolder();
  const place = somePlace();
  const stack = new FakeStack(folder, { place });
  t.after(() => stack.clean());
  await stack.event('ready');
  renameSync(stack.state, `${stack.state}-gone`);
  rmSync(`${stack.state}-gone`, { recursive: true });
  const next = new FakeStack(folder, { place });
  t.after(() => next.clean());
  await next.event('ready');
  assert.deepEqual(
    next.events.filter(({ event }) => event === 'leftoversEnded'),
    [],
    'what has a living supervisor is no leftover',
  );
  assert.match(
    String((await stack.event('stopping')).reason),
    /^its state directory .*state was (removed|replaced)$/,
  );
  assert.equal((await stack.event('error')).code, 'state_directory_lost');
  assert.equal(await stack.exit(), 1);
  assert.equal(findRunningStack(next.state).record.supervisor?.pid, next.child.pid);
  assert.equal(findMarked(next.state).length, 4);
  assert.ok(existsSync(join(next.state, 'lock')));
});

test('the removal of stack.json ends the stack; a damaged one is written again', async (t) => {
  const stack = new FakeStack(makeFolder());
  t.after(() => stack.clean());
  await stack.event('ready');
  const before = readRecord(recordOf(stack));
  writeFileSync(recordOf(stack), '{"half a rec');
  await until(() => readFileSync(recordOf(stack), 'utf8').endsWith('}\n'), 'a new record');
  assert.deepEqual(readRecord(recordOf(stack)), before);
  rmSync(recordOf(stack));
  assert.match(String((await stack.event('stopping')).reason), /stack\.json was removed$/);
  assert.equal(await stack.exit(), 1);
  assert.deepEqual(findMarked(stack.state), []);
});

test('a frozen supervisor is named as such at once, and down --force ends all of it', async (t) => {
  const stack = new FakeStack(makeFolder());
  t.after(() => stack.clean());
  await stack.event('ready');
  const pid = stack.child.pid!;
  stack.child.kill('SIGSTOP');
  await until(() => isStopped({ pid, startTicks: 0 }), 'the supervisor to stand still');
  const refused = { code: 'supervisor_frozen', message: /is stopped \(SIGSTOP\).*down --force/ };
  await assert.rejects(endStack(stack.state), refused);
  await assert.rejects(askStack(findRunningStack(stack.state), { operation: 'status' }), refused);
  assert.equal((await surveyStack(stack.state)).frozen, true);
  const ended = await endStack(stack.state, { force: true });
  assert.deepEqual([ended.supervisor, ended.leftovers], [pid, 4]);
  assert.equal(await stack.exit(), 'SIGKILL');
  assert.deepEqual(findMarked(stack.state), []);
  await assert.rejects(surveyStack(stack.state), { code: 'stack_not_running' });
});

test('what a killed supervisor left is counted, and said how to end', async (t) => {
  const stack = new FakeStack(makeFolder());
  t.after(() => stack.clean());
  await stack.event('ready');
  stack.child.kill('SIGKILL');
  await stack.exit();
  assert.throws(() => findRunningStack(stack.state), {
    code: 'stack_not_running',
    message:
      /was killed and 4 processes of it are left; `meridian up` .* `meridian down` ends them/,
  });
  assert.equal((await surveyStack(stack.state)).leftovers, 4);
});

test('leftovers under a damaged stack.json are ended by force, and up begins anew', async (t) => {
  const folder = makeFolder();
  const place = somePlace();
  const stack = new FakeStack(folder, { place });
  t.after(() => stack.clean());
  await stack.event('ready');
  stack.child.kill('SIGKILL');
  await stack.exit();
  writeFileSync(recordOf(stack), 'damaged');
  assert.throws(() => findStack(stack.state), { message: /down --force/ });
  const refused = new FakeStack(folder, { place });
  const error = await refused.event('error');
  await refused.exit();
  assert.match(String(error.message), /`meridian down --force --state .*` ends what a stack left/);
  assert.equal((await endStack(stack.state, { force: true })).leftovers, 4);
  assert.deepEqual(findMarked(stack.state), []);
  assert.equal(readFileSync(`${recordOf(stack)}.damaged`, 'utf8'), 'damaged');
  const next = new FakeStack(folder, { place });
  t.after(() => next.clean());
  await next.event('ready');
});
