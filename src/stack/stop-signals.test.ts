import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { ManualClock } from '../base/manual-clock.ts';
import { StopSignals } from './stop-signals.ts';

let clock: ManualClock;
let signals: StopSignals;
beforeEach(() => {
  clock = new ManualClock();
  signals = new StopSignals(clock);
});
afterEach(() => signals.close());

const press = (name: 'SIGINT' | 'SIGTERM' | 'SIGHUP') => process.emit(name, name);

test('one Ctrl-C that arrives three times, by npm and the launcher too, is one', () => {
  press('SIGINT');
  clock.advance(20);
  press('SIGINT');
  clock.advance(400);
  press('SIGINT');
  assert.equal(signals.stop.reason, 'SIGINT');
  assert.equal(signals.hurry.aborted, false);
});

test('a second one insists', () => {
  press('SIGTERM');
  clock.advance(600);
  press('SIGINT');
  assert.equal(signals.stop.reason, 'SIGTERM');
  assert.equal(signals.hurry.aborted, true);
});

test('after a stop that was asked for otherwise, the first Ctrl-C insists', () => {
  clock.advance(10_000);
  signals.request('`meridian down`');
  assert.equal(signals.stop.reason, '`meridian down`');
  press('SIGINT');
  assert.equal(signals.hurry.aborted, true);
});

test('the end of the terminal or of the launcher asks for a stop', () => {
  press('SIGHUP');
  assert.equal(signals.stop.reason, 'SIGHUP');
  const other = new StopSignals(clock);
  process.emit('disconnect');
  other.close();
  assert.equal(other.stop.reason, 'its launcher has ended');
});

test('once closed it leaves the signals to others', () => {
  const before = process.listenerCount('SIGINT');
  new StopSignals(clock).close();
  assert.equal(process.listenerCount('SIGINT'), before);
});
