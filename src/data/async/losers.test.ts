import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { MemoryLog } from '../../store/memory/memory-log.ts';
import { Losers } from './losers.ts';

const at = (index: number) => `018f3c2a9b${String(index).padStart(6, '0')}`;

describe('lost writes', () => {
  let log: MemoryLog;
  let losers: Losers;
  beforeEach(() => {
    const clock = new ManualClock(1_700_000_000_000);
    log = new MemoryLog('b_lost', clock);
    log.settings = { ...log.settings, maximumBytes: 64 * 1024 * 1024 };
    losers = new Losers(log, 86_400_000, () => clock.wallMs());
  });

  const lose = (index: number, value: Uint8Array) =>
    log.append({
      subject: `${at(index)}.k${index}`,
      head: `${at(99)}@us 1 ${at(index)}@eu put seen= shown`,
      value,
    });

  it('end a page before their values fill the memory', async () => {
    for (let index = 0; index < 12; index++) await lose(index, new Uint8Array(500 * 1024));
    const first = await losers.list({ limit: 1_000 });
    assert.equal(first.writes.length, 9);
    const second = await losers.list({ limit: 1_000, after: first.next });
    assert.deepEqual([second.writes.length, second.next], [3, undefined]);
  });

  it('that did not come in time are not taken for all: the page goes on, or is refused', async () => {
    for (let index = 0; index < 3; index++) await lose(index, Buffer.from('x'));
    const follow = log.follow.bind(log);
    /** Ends as if the time were over, when so many have come. */
    const slow = (count: number) => {
      log.follow = (options) => {
        const over = new AbortController();
        let come = 0;
        const onMessage: typeof options.onMessage = (message, pending) => {
          if (++come <= count) options.onMessage(message, pending);
          if (come >= count) over.abort();
        };
        if (count === 0) over.abort();
        const signal = AbortSignal.any([options.signal, over.signal]);
        return follow({ ...options, signal, onMessage });
      };
    };
    slow(2);
    const first = await losers.list({ limit: 10 });
    assert.deepEqual([first.writes.length, typeof first.next], [2, 'string']);
    slow(0);
    const nothing = losers.list({ limit: 10, after: first.next });
    await assert.rejects(nothing, { code: 'unreachable' });
    log.follow = follow;
    const rest = await losers.list({ limit: 10, after: first.next });
    assert.deepEqual([rest.writes.map(({ key }) => key), rest.next], [['k2'], undefined]);
  });

  it('that cannot be read are left out', async () => {
    await lose(1, Buffer.from('x'));
    await log.append({ subject: 'a.k', head: 'no head', value: Buffer.from('x') });
    const { writes, next } = await losers.list({ limit: 1 });
    assert.deepEqual([writes.map(({ key }) => key), typeof next], [['k1'], 'string']);
    assert.deepEqual(await losers.list({ limit: 1, after: next }), {
      writes: [],
      next: undefined,
    });
  });
});
