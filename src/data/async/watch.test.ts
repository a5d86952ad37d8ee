import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AsyncPlace } from '../../../test/support/async-place.ts';
import { eventually } from '../../../test/support/eventually.ts';
import type { DataEvent, DataWatch } from '../bucket.ts';

const hourMs = 3_600_000;
const text = (value: string) => Buffer.from(value);

describe('a watch of an async bucket', () => {
  let eu: AsyncPlace;
  let us: AsyncPlace;
  beforeEach(() => {
    [eu, us] = [new AsyncPlace('eu', hourMs), new AsyncPlace('us', hourMs)];
  });
  afterEach(() => Promise.all([eu.close(), us.close()]));

  it('tells what the region has come to show, and nothing of what stays hidden', async () => {
    await eu.bucket.put('k', text('eu'));
    us.clock.advance(1_000);
    await us.bucket.put('k', text('us'));
    await us.bucket.put('only', text('us'));
    const [atEu, atUs] = [eu, us].map(({ bucket }) => collect(bucket.watch({})));
    await eventually('both', () => [atEu, atUs].every((told) => told!.includes('caughtUp')));
    await eu.copyFrom(us);
    await us.copyFrom(eu);
    await us.bucket.delete('only');
    await eu.copyFrom(us);
    await eventually('the end', () => [atEu, atUs].every((told) => told!.includes('-only')));
    assert.deepEqual(atEu, ['k=eu', 'caughtUp', 'k=us', 'only=us', '-only']);
    assert.deepEqual(atUs, ['k=us', 'only=us', 'caughtUp', '-only']);
  });

  it('begins with one value of a key that several regions wrote, and none of a deleted one', async () => {
    for (const key of ['k', 'gone']) await us.bucket.put(key, text('us'));
    eu.clock.advance(1_000);
    await eu.bucket.put('k', text('eu'));
    await eu.copyFrom(us);
    await eu.bucket.delete('gone');
    us.clock.advance(2_000);
    await us.bucket.put('k', text('later'));
    await eu.copyFrom(us);
    const told = collect(eu.bucket.watch({}));
    await eventually('all', () => told.includes('caughtUp'));
    assert.deepEqual(told, ['k=later', 'caughtUp']);
  });

  it('cannot go on after a cursor that is older than what has ended, if there was something', async () => {
    await eu.bucket.put('k', text('1'));
    const cursor = await firstCursor(eu.bucket.watch({}));
    assert.equal(await firstCursor(eu.bucket.watch({ after: cursor })), cursor);
    await eu.bucket.put('k', text('2'));
    const told = collect(eu.bucket.watch({ after: cursor }));
    await eventually('the change', () => told.includes('k=2'));
    eu.clock.advance(hourMs);
    await assert.rejects(firstCursor(eu.bucket.watch({ after: cursor })), {
      code: 'revision_compacted',
    });
  });

  it('cannot go on in a log that was made anew', async () => {
    await eu.bucket.put('k', text('1'));
    us.clock.advance(1);
    const other = new AsyncPlace('eu', hourMs, 5_000);
    const cursor = await firstCursor(eu.bucket.watch({}));
    await other.bucket.put('k', text('1'));
    await assert.rejects(firstCursor(other.bucket.watch({ after: cursor })), {
      code: 'revision_compacted',
    });
    await other.close();
  });
});

/** Up to where all has been told that was there. */
async function firstCursor(watch: DataWatch): Promise<string> {
  for await (const event of watch) if (event.type === 'caughtUp') return event.cursor;
  throw new Error('the watch ended');
}

function collect(watch: DataWatch): string[] {
  const told: string[] = [];
  const read = async () => {
    for await (const event of watch) told.push(show(event));
  };
  void read();
  return told;
}

function show(event: DataEvent): string {
  if (event.type === 'caughtUp') return event.type;
  if (event.type === 'delete') return `-${event.key}`;
  return `${event.entry.key}=${Buffer.from(event.entry.value)}`;
}
