import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MeridianError } from '../base/errors.ts';
import { ManualClock } from '../base/manual-clock.ts';
import { createLog, type LogLevel } from './log.ts';

function logInto(lines: string[], level?: LogLevel) {
  return createLog({
    region: 'eu-west-1',
    clock: new ManualClock(Date.UTC(2026, 0, 2)),
    write: (line) => lines.push(line),
    ...(level && { level }),
  });
}

test('an event is one line of JSON whose head cannot be replaced', () => {
  const lines: string[] = [];
  logInto(lines).warn('store out of reach', { forSeconds: 3, level: 'debug', message: 'x\ny' });
  assert.equal(lines.length, 1);
  assert.ok(lines[0]?.endsWith('}\n'));
  assert.deepEqual(JSON.parse(lines[0] ?? ''), {
    time: '2026-01-02T00:00:00.000Z',
    level: 'warn',
    region: 'eu-west-1',
    message: 'store out of reach',
    forSeconds: 3,
  });
});

test('events below the level are dropped', () => {
  const lines: string[] = [];
  const log = logInto(lines, 'warn');
  for (const level of ['debug', 'info', 'warn', 'error'] as const) log[level](level);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).level),
    ['warn', 'error'],
  );
});

test('errors among the fields say what and why', () => {
  const lines: string[] = [];
  const cause = new Error('connection refused');
  const error = new MeridianError('store_lost', 'the store is gone', { cause, details: { n: 1 } });
  logInto(lines).warn('failed', { error });
  assert.deepEqual(JSON.parse(lines[0] ?? '').error, {
    message: 'the store is gone',
    code: 'store_lost',
    details: { n: 1 },
    cause: { message: 'connection refused' },
  });
  logInto(lines).error('failed', { error });
  assert.match(JSON.parse(lines[1] ?? '').error.stack, /log\.test\.ts/);
});

test('fields that JSON cannot hold lose the fields, not the event', () => {
  const lines: string[] = [];
  const cyclic: { self?: object } = {};
  cyclic.self = cyclic;
  const log = logInto(lines);
  log.info('odd', { cyclic });
  log.info('large', { count: 2n ** 70n });
  assert.equal(JSON.parse(lines[0] ?? '').message, 'odd');
  assert.equal(JSON.parse(lines[1] ?? '').count, '1180591620717411303424');
});
