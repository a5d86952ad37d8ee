import assert from 'node:assert/strict';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { inspect } from 'node:util';
import { identify } from '../../src/stack/processes/identity.ts';
import { TestFile, type TestFileOptions } from '../../tools/tests/test-file.ts';
import { Totals } from '../../tools/tests/totals.ts';
import { eventually } from '../support/eventually.ts';

const root = resolve(import.meta.dirname, '../..');

describe('a test file as a process', { concurrency: true }, () => {
  test('a hanging file is told with the test that hangs, and killed with what it started', async () => {
    const { failures, output } = await runUntilLate('hangs');
    assert.deepEqual(failures, [
      'unfinished: a file that hangs › waits for what never comes (line 11)',
    ]);
    await assertGone(output);
  });

  test('so is a test that never yields', async () => {
    const { failures } = await runUntilLate('never-yields');
    assert.deepEqual(failures, ['unfinished: holds its thread (line 5)']);
  });

  test('a file that goes on when its tests have failed is ended soon', async () => {
    const { failures } = await runFixture('fails-and-stays', { failedMs: 200, graceMs: 200 });
    assert.deepEqual(failures.slice(1), [
      'did not end though its tests were over, of which some failed',
    ]);
  });

  test('a process that ends before its tests fails them', async () => {
    const { failures } = await runFixture('exits-early');
    assert.match(
      failures.join(),
      /^ended with exit code 0: unfinished: ends the process \(line 3\)$/,
    );
  });

  test('what a file leaves behind ends with it', async () => {
    const { failures, output } = await runFixture('leaves-a-process');
    assert.deepEqual(failures, []);
    await assertGone(output);
  });

  test('a file that is stopped says where it was', async () => {
    const stop = new AbortController();
    const onOutput = () => stop.abort();
    const options = { graceMs: 200, signal: stop.signal, onOutput };
    const { failures } = await runFixture('hangs', options);
    assert.match(failures.join(), /^was stopped: unfinished: .* › waits for what never comes/);
  });
});

interface FixtureOptions extends Partial<TestFileOptions> {
  readonly onOutput?: () => void;
}

async function runFixture(name: string, { onOutput, ...options }: FixtureOptions = {}) {
  const failures: string[] = [];
  let output = '';
  const totals = new Totals();
  const onEvent = (event: TestEvent) => {
    totals.take(event);
    if (event.type === 'test:stdout') {
      output += event.data.message;
      onOutput?.();
    }
    if (event.type === 'test:fail') failures.push(inspect(event.data.details.error.cause));
  };
  const file = join('test/architecture/testdata', `${name}.ts`);
  await new TestFile(root, file, { timeoutMs: 120_000, ...options, onEvent }).run();
  assert.equal(totals.success, failures.length === 0);
  return { failures, output };
}

/** With a limit; a longer one where a busy machine has not brought it to its test until then. */
async function runUntilLate(name: string, seconds = 3): ReturnType<typeof runFixture> {
  const { failures, output } = await runFixture(name, { timeoutMs: 1_000 * seconds, graceMs: 200 });
  const told = failures.map((one) => one.replace(`did not end within ${seconds} s: `, ''));
  const hasBegun = /line/.test(told.join()) && (name !== 'hangs' || output !== '');
  return hasBegun || seconds > 60 ? { failures: told, output } : runUntilLate(name, 4 * seconds);
}

/** The process of which a fixture told that it started it. */
async function assertGone(output: string): Promise<void> {
  const pid = Number(/started (\d+)/.exec(output)?.[1]);
  assert.ok(pid > 0, output);
  await eventually('the process is gone', () => identify(pid) === undefined);
}
