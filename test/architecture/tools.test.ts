import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { TestEvent } from 'node:test/reporters';
import { Totals } from '../../tools/tests/totals.ts';

const root = resolve(import.meta.dirname, '../..');

test('generated files are those that the sources make', () => {
  const program = join(root, 'tools/generate-reference.ts');
  const { status, stderr } = spawnSync(process.execPath, [program, '--check'], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
});

test('tests are counted as node:test counts them, and what was skipped is told by reason', () => {
  const totals = new Totals();
  assert.equal(totals.success, false, 'nothing ran yet');
  assert.equal(totals.take(ended('pass', 'one')), false);
  totals.take(ended('pass', 'two', { skip: 'no promtool' }));
  totals.take(ended('pass', 'a suite', { skip: 'no promtool', type: 'suite' }));
  totals.take(ended('pass', 'another', { type: 'suite' }));
  totals.take(ended('fail', 'not yet', { todo: true }));
  assert.equal(totals.take(diagnostic('tests 3')), true, 'the totals of one file are not shown');
  assert.equal(totals.take(diagnostic('a note')), false);
  assert.equal(totals.success, true);
  const lines = totals.closing().map((event) => (event.data as { message: string }).message);
  const counts = ['tests 3', 'suites 2', 'pass 1', 'fail 0', 'cancelled 0', 'skipped 1', 'todo 1'];
  assert.deepEqual(lines.slice(0, -1), counts);
  assert.match(
    totals.leftOut(),
    /^\nLeft out:\n {2}no promtool\n {4}\S+ › two\n {4}\S+ › a suite\n$/,
  );
});

test('one failure anywhere fails the whole, also of a suite', () => {
  for (const type of ['test', 'suite'] as const) {
    const totals = new Totals();
    totals.take(ended('fail', 'one', { type }));
    totals.take(ended('pass', 'two'));
    assert.equal(totals.success, false);
    assert.equal(totals.leftOut(), '');
  }
});

interface Ended {
  readonly type?: 'test' | 'suite';
  readonly skip?: string;
  readonly todo?: true;
}

function ended(how: 'pass' | 'fail', name: string, { type = 'test', ...more }: Ended = {}) {
  const details = { duration_ms: 1, type };
  const data = { name, file: join(root, 'src/x.test.ts'), nesting: 0, details, ...more };
  return { type: `test:${how}`, data } as TestEvent;
}

function diagnostic(message: string): TestEvent {
  return { type: 'test:diagnostic', data: { message, nesting: 0 } } as TestEvent;
}
