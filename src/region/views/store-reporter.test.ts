import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changeTo } from '../../../test/support/revisions.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { Revisions } from '../../revisions/revisions.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import { appliedAtMs } from '../configuration/applied-at.ts';
import { StoreReporter } from './store-reporter.ts';

const own = { region: 'east', node: 'east', bind: '127.0.0.1' };

/** What begins with a timer is over. */
const settled = () => new Promise(setImmediate);

test('a status that cannot be told ends neither the node nor its reports', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const reporter = new StoreReporter(store, own, clock);
  const faults: unknown[] = [];
  let broken = true;
  const status = () => {
    if (broken) throw new RangeError('Invalid time value');
    return { ready: true };
  };
  reporter.start(
    status,
    () => ({}),
    (error) => faults.push(error),
  );
  clock.advance(2_000);
  await settled();
  assert.equal(faults.length, 1);
  broken = false;
  clock.advance(2_000);
  await settled();
  const entry = await store.bucket('status').get('east.east');
  assert.deepEqual(JSON.parse(Buffer.from(entry?.value ?? '').toString()), { ready: true });
  reporter.close();
});

test('a time of application that no calendar has is refused, not carried about', async () => {
  const clock = new ManualClock();
  const info = await new Revisions(new MemoryStore(clock), clock).apply(changeTo('1', undefined));
  assert.equal(appliedAtMs(info), clock.wallMs());
  for (const appliedAt of ['2026-99-01T00:00:00.000Z', '2026-01-01T25:00:00.000Z']) {
    assert.throws(() => appliedAtMs({ ...info, appliedAt }), { code: 'revision_damaged' });
  }
});
