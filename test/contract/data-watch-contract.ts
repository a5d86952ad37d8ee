import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DataEvent, DataWatch } from '../../src/data/bucket.ts';
import { eventually } from '../support/eventually.ts';
import { bytes, text } from './contract-values.ts';
import { type DataPair, seen } from './data-bucket-contract.ts';

export function dataWatchContract(pair: () => DataPair): void {
  it('tells the latest value of every key with the prefix, then each change', async () => {
    const { near, far } = pair();
    for (const value of ['1', '2']) await near.put('w.a', bytes(value));
    await near.put('w.b', bytes('1'));
    await near.put('v.a', bytes('1'));
    await seen(far, 'w.b', '1');
    await seen(far, 'w.a', '2');
    const watch = far.watch({ prefix: 'w.' });
    const told = collect(watch);
    await eventually('all', () => told.some(({ type }) => type === 'caughtUp'));
    assert.deepEqual(told.map(show).sort(), ['caughtUp', 'w.a=2', 'w.b=1']);
    await near.put('w.c', bytes('1'));
    await near.delete('w.a');
    await eventually('changes', () => told.map(show).includes('-w.a'));
    assert.ok(told.map(show).includes('w.c=1'));
    assert.ok(told.every((event) => event.type === 'caughtUp' || !keyOf(event).startsWith('v')));
    watch.close();
  });

  it('goes on after a cursor, with nothing repeated and nothing missed', async () => {
    const { near, far } = pair();
    const first = far.watch({ prefix: 'c.' });
    const before = collect(first);
    await near.put('c.a', bytes('1'));
    await near.put('c.b', bytes('1'));
    await eventually('both', () =>
      ['c.a=1', 'c.b=1'].every((one) => before.map(show).includes(one)),
    );
    first.close();
    const cursor = before.at(-1)!.cursor;
    await near.put('c.b', bytes('2'));
    await near.delete('c.a');
    const second = far.watch({ prefix: 'c.', after: cursor });
    const told = collect(second);
    await eventually('the rest', () =>
      ['-c.a', 'c.b=2'].every((one) => told.map(show).includes(one)),
    );
    assert.ok(!told.map(show).some((one) => one === 'c.a=1' || one === 'c.b=1'));
    second.close();
    const quiet = far.watch({ prefix: 'c.', after: told.at(-1)!.cursor });
    const nothing = collect(quiet);
    await eventually('to be caught up', () => nothing.length > 0);
    assert.deepEqual(nothing.map(show), ['caughtUp']);
    quiet.close();
  });

  it('tells many that begin at once of much, and then of as much that changes', async () => {
    const { near, far } = pair();
    const keys = Array.from({ length: 24 }, (_, n) => `m.${n}`);
    const value = (version: string) => bytes(version.padEnd(60 * 1024, '.'));
    const write = async (version: string) => {
      await Promise.all(keys.map((key) => near.put(key, value(version))));
      for (const key of keys) await seen(far, key, text(value(version)));
    };
    await write('1');
    const watches = Array.from({ length: 4 }, () => far.watch({ prefix: 'm.' }));
    const told = watches.map(collect);
    await eventually('the start', () =>
      told.every((events) => events.some(({ type }) => type === 'caughtUp')),
    );
    for (const events of told) {
      const before = events.slice(
        0,
        events.findIndex(({ type }) => type === 'caughtUp'),
      );
      assert.deepEqual([...new Set(before.map(keyOf))].sort(), keys.toSorted());
    }
    await write('2');
    const isLast = (event: DataEvent) => event.type === 'put' && text(event.entry.value)[0] === '2';
    await eventually('the changes', () =>
      told.every((events) => new Set(events.filter(isLast).map(keyOf)).size === keys.length),
    );
    for (const watch of watches) watch.close();
  });

  it('refuses a cursor that it never gave', async () => {
    const { near } = pair();
    for (const after of ['', 'x', '1.2', '../..', 'é', 'x'.repeat(5_000)]) {
      await assert.rejects(
        async () => {
          for await (const _ of near.watch({ after })) break;
        },
        { code: 'cursor_invalid' },
      );
    }
  });

  it('ends when its reader leaves the loop, or when it is closed', async () => {
    const { near } = pair();
    for await (const _ of near.watch({ prefix: 'w.' })) break;
    const watch = near.watch({ prefix: 'w.' });
    watch.close();
    const { done } = await watch[Symbol.asyncIterator]().next();
    assert.equal(done, true);
  });
}

function collect(watch: DataWatch): DataEvent[] {
  const events: DataEvent[] = [];
  const read = async () => {
    for await (const event of watch) events.push(event);
  };
  void read();
  return events;
}

function keyOf(event: DataEvent): string {
  if (event.type === 'caughtUp') return '';
  return event.type === 'put' ? event.entry.key : event.key;
}

function show(event: DataEvent): string {
  if (event.type === 'caughtUp') return event.type;
  return event.type === 'put' ? `${event.entry.key}=${text(event.entry.value)}` : `-${event.key}`;
}
