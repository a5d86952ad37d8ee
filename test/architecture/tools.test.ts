import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { Totals } from '../../tools/test-totals.ts';

const root = resolve(import.meta.dirname, '../..');

test('generated files are those that the sources make', () => {
  const program = join(root, 'tools/generate-reference.ts');
  const { status, stderr } = spawnSync(process.execPath, [program, '--check'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('several runs are summed, and what was skipped is told by reason', () => {
  const totals = new Totals();
  assert.equal(totals.success, false, 'nothing ran yet');
  assert.equal(totals.take(passed('one')), false);
  assert.equal(totals.take(passed('two', 'no promtool')), false);
  assert.equal(totals.take(passed('three', 'no promtool')), false);
  assert.equal(totals.take(diagnostic('tests 3')), true, 'the totals of one run are not shown');
  assert.equal(totals.take(diagnostic('a note')), false);
  totals.take(summary({ tests: 3, passed: 1, skipped: 2 }, true));
  totals.take(summary({ tests: 1, passed: 1 }, true));
  assert.equal(totals.success, true);
  const lines = totals.closing().map((event) => (event.data as { message: string }).message);
  assert.deepEqual(lines.slice(0, 4), ['tests 4', 'suites 0', 'pass 2', 'fail 0']);
  assert.match(
    totals.leftOut(),
    /^\nLeft out:\n {2}no promtool\n {4}\S+ › two\n {4}\S+ › three\n$/,
  );
});

test('one failure anywhere fails the whole', () => {
  const totals = new Totals();
  totals.take(summary({ tests: 1, failed: 1 }, false));
  totals.take(summary({ tests: 1, passed: 1 }, true));
  assert.equal(totals.success, false);
  assert.equal(totals.leftOut(), '');
});

function passed(name: string, skip?: string): TestEvent {
  const data = { name, file: join(root, 'src/x.test.ts'), nesting: 0, ...(skip ? { skip } : {}) };
  return { type: 'test:pass', data } as TestEvent;
}

function diagnostic(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { message, nesting: 0 } } as TestEvent;
}

function summary(counts: Record<string, number>, success: boolean): TestEvent {
  const zeros = { tests: 0, suites: 0, passed: 0, failed: 0, cancelled: 0, skipped: 0, todo: 0 };
  return {
    type: 'test:summary',
    data: { counts: { ...zeros, ...counts }, duration_ms: 1, success },
  } as unknown as TestEvent;
}
