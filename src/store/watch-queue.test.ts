import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LatestQueue } from './latest-queue.ts';
import type { WatchEvent } from './store.ts';
import { WatchQueue } from './watch-queue.ts';

const value = new Uint8Array(0);
const put = (key: string, revision: number): WatchEvent => ({ type: 'put', key, value, revision });

describe('WatchQueue', () => {
  it('keeps order and the last event of every key, however the reader is timed', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c') },
      { weight: 1, arbitrary: fc.constant('mark' as const) },
      { weight: 3, arbitrary: fc.constant('read' as const) },
    );
    const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = new WatchQueue(() => {});
      const events = queue[Symbol.asyncIterator]();
      const pushed: WatchEvent[] = [];
      const read: WatchEvent[] = [];
      let waiting = 0;
      for (const [index, action] of steps.entries()) {
        if (action === 'read') {
          waiting++;
          void events.next().then(({ value: event }) => {
            if (event) read.push(event);
          });
        } else {
          const event: WatchEvent =
            action === 'mark' ? { type: 'caughtUp' } : put(action, index + 1);
          pushed.push(event);
          queue.push(event);
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.ok(read.length <= waiting);
      queue.push(put('end', steps.length + 1));
      await new Promise((resolve) => setImmediate(resolve));
      while (!read.some((event) => event.type === 'put' && event.key === 'end')) {
        const { value: event } = await events.next();
        if (event) read.push(event);
      }
      checkDelivery(pushed, read);
    });
    await fc.assert(property, { numRuns: 60 });
  });

  it('calls onClose once, wakes a waiting reader, and takes nothing more', async () => {
    let closed = 0;
    const queue = new WatchQueue(() => closed++);
    const waiting = queue[Symbol.asyncIterator]().next();
    queue.close();
    queue.close();
    queue.push(put('a', 1));
    assert.equal((await waiting).done, true);
    assert.equal((await queue[Symbol.asyncIterator]().next()).done, true);
    assert.equal(closed, 1);
  });

  it('has room for so many small events as fit into memory, values or not', async () => {
    const queue = new LatestQueue<number>(() => {}, 64 * 1024);
    let events = 0;
    while (!queue.room() && events < 10_000) queue.add(events++, `k${events}`, 4);
    assert.ok(events < 200, `${events} were held`);
    queue.close();
  });
});

/** Revisions grow; no mark comes before what preceded it; nobody's last value is missing. */
function checkDelivery(pushed: readonly WatchEvent[], read: readonly WatchEvent[]): void {
  const revisions = read.flatMap((event) => (event.type === 'caughtUp' ? [] : [event.revision]));
  assert.deepEqual(
    revisions,
    [...new Set(revisions)].sort((a, b) => a - b),
  );
  const marks = (events: readonly WatchEvent[]) =>
    events.flatMap((event, i) =>
      event.type === 'caughtUp' ? [lastValues(events.slice(0, i))] : [],
    );
  const expectedMarks = marks(pushed);
  for (const [i, seen] of marks(read).entries()) {
    for (const [key, revision] of expectedMarks[i] ?? []) {
      assert.ok((seen.get(key) ?? 0) >= revision, `mark ${i} came before ${key}@${revision}`);
    }
  }
  assert.equal(marks(read).length, expectedMarks.length);
  const last = lastValues(read);
  for (const [key, revision] of lastValues(pushed)) assert.equal(last.get(key), revision);
}

function lastValues(events: readonly WatchEvent[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const event of events) {
    if (event.type !== 'caughtUp') last.set(event.key, event.revision);
  }
  return last;
}
