import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { systemClock } from '../../base/clock.ts';
import { MemoryLog } from '../../store/memory/memory-log.ts';
import { FormerRegions } from './former-regions.ts';

describe('former regions of a bucket', () => {
  const { signal } = new AbortController();
  let nowMs = 0;
  let ap: MemoryLog;
  let own: MemoryLog;
  let former: FormerRegions;

  const cursorOf = (log: MemoryLog, of: string) =>
    log.append({ subject: `${of}.cursor`, head: 'cursor', value: Buffer.from('{}') });

  beforeEach(() => {
    nowMs = 0;
    ap = new MemoryLog('b', systemClock);
    own = new MemoryLog('b', systemClock, () => ap);
    const settings = { whenFull: 'refuse', maximumBytes: 65_536, maximumAgeMs: undefined } as const;
    for (const log of [ap, own]) log.settings = settings;
    const monotonicMs = () => nowMs;
    former = new FormerRegions({ log: own, region: 'eu', others: ['ap'], signal, monotonicMs });
  });

  it('are those that another log knows, and are kept in the own one', async () => {
    for (const name of ['eu', 'ap', 'us', 'sa/us']) await cursorOf(ap, name);
    assert.equal(former.isToldBy('ap', '1'), false);
    await former.ask('ap', '1');
    await former.note();
    assert.deepEqual([...former.names], ['us', 'sa']);
    const kept = (await own.lastOfEach('*.cursor')).map(({ subject }) => subject);
    assert.deepEqual(kept, ['ap.cursor', 'us.cursor', 'sa.cursor']);
    assert.equal(former.isToldBy('ap', '1'), true);
  });

  it('are asked for again of a log made anew, after a while, and after it was out of reach', async () => {
    const again = [() => {}, () => (nowMs += 600_000), () => former.forget('ap')] as const;
    await former.ask('ap', '1');
    for (const [i, pass] of again.entries()) {
      pass();
      await cursorOf(ap, `us-${i}`);
      await former.ask('ap', '1');
    }
    assert.deepEqual([...former.names], ['us-0', 'us-1', 'us-2']);
    await cursorOf(ap, 'sa');
    await former.ask('ap', '1');
    assert.ok(!former.names.has('sa'));
    await former.ask('ap', '2');
    assert.ok(former.names.has('sa'));
    assert.equal(former.isToldBy('ap', '1'), false);
  });

  it('are 64 at most, whatever a log says', async () => {
    for (let i = 0; i < 65; i++) await cursorOf(ap, `us-${i}`);
    await assert.rejects(former.ask('ap', '1'), /more than 64/);
    assert.equal(former.names.size, 64);
    await former.note();
    assert.equal(former.isToldBy('ap', '1'), false);
  });
});
