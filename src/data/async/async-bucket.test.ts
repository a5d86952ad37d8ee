import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AsyncPlace } from '../../../test/support/async-place.ts';
import { eventually } from '../../../test/support/eventually.ts';
import { MemoryLog } from '../../store/memory/memory-log.ts';

const hourMs = 3_600_000;
const text = (value: string) => Buffer.from(value);

describe('an async bucket', () => {
  let eu: AsyncPlace;
  let us: AsyncPlace;
  beforeEach(() => {
    [eu, us] = [new AsyncPlace('eu'), new AsyncPlace('us')];
  });
  afterEach(() => Promise.all([eu.close(), us.close()]));

  const lostIn = async (place: AsyncPlace) => {
    const { writes } = await place.bucket.lostWrites({ limit: 100 });
    assert.equal(place.bucket.status().lost, writes.length);
    return writes.map(({ key, value }) => `${key}=${Buffer.from(value)}`);
  };
  /** Both write, and the one of `us` is the later. */
  const conflict = async () => {
    await eu.bucket.put('k', text('eu'));
    us.clock.advance(1_000);
    return await us.bucket.put('k', text('us'));
  };

  it('keeps a lost write, with what it lost to, and once however often that comes', async () => {
    const version = await conflict();
    for (const _ of [1, 2, 3]) await eu.copyFrom(us);
    assert.deepEqual(await lostIn(eu), ['k=eu']);
    assert.deepEqual(await lostIn(us), []);
    const [lost] = (await eu.bucket.lostWrites({ limit: 1 })).writes;
    assert.equal(lost?.lostTo, version);
    await us.copyFrom(eu);
    assert.equal((await us.bucket.get('k')).entry?.version, version);
    assert.deepEqual(await lostIn(us), []);
  });

  it('pages through lost writes', async () => {
    for (const key of ['1', '2', '3']) await eu.bucket.put(key, text('eu'));
    us.clock.advance(1_000);
    for (const key of ['1', '2', '3']) await us.bucket.put(key, text('us'));
    await eu.copyFrom(us);
    const first = await eu.bucket.lostWrites({ limit: 2 });
    assert.deepEqual(
      first.writes.map(({ key }) => key),
      ['1', '2'],
    );
    const second = await eu.bucket.lostWrites({ limit: 2, after: first.next! });
    assert.deepEqual([second.writes.map(({ key }) => key), second.next], [['3'], undefined]);
    const refused = async (after: string) =>
      await eu.bucket.lostWrites({ limit: 1, after }).catch((error) => error.code);
    for (const cursor of ['', '0', '1.', '.1', '1.-1', '1.1e3', `1.${'9'.repeat(16)}`, '1.1.1']) {
      assert.equal(await refused(cursor), 'cursor_invalid', cursor);
    }
    const [epoch = '', sequence] = first.next!.split('.');
    assert.equal(await refused(`${epoch}1.${sequence}`), 'revision_compacted');
    const far = await eu.bucket.lostWrites({ limit: 1, after: `${epoch}.${'9'.repeat(15)}` });
    assert.deepEqual(far, { writes: [], next: undefined });
  });

  for (const [after, then] of [
    ['the next start', (place: AsyncPlace) => place.restart()],
    ['the next own write', (place: AsyncPlace) => place.bucket.put('k', text('next'))],
    [
      'the next write of the other region',
      async (place: AsyncPlace) => {
        us.clock.advance(1_000);
        await us.bucket.put('k', text('again'));
        await place.copyFrom(us);
      },
    ],
  ] as const) {
    it(`a crash before a lost write is recorded: it is by ${after}, and once`, async () => {
      // On duty, and done with what that begins with.
      await eventually('the canary', () => eu.log.last('eu.canary'));
      await turn();
      await conflict();
      const append = eu.lost.append.bind(eu.lost);
      eu.lost.append = () => Promise.reject(new Error('crashed'));
      await assert.rejects(eu.copyFrom(us), /crashed/);
      eu.lost.append = append;
      assert.deepEqual(await lostIn(eu), []);
      await then(eu);
      await eventually('the record', () => eu.bucket.status().lost === 1, 2_000);
      await eu.restart();
      await eu.copyFrom(us);
      assert.deepEqual(await lostIn(eu), ['k=eu']);
    });
  }

  it('while a lost write cannot be recorded, nothing of what tells of it is replaced', async () => {
    await conflict();
    eu.lost.append = () => Promise.reject(new Error('crashed'));
    await assert.rejects(eu.copyFrom(us), /crashed/);
    const before = (await eu.log.lastOfEach('*.k.k')).map(({ sequence }) => sequence);
    await assert.rejects(eu.bucket.put('k', text('next')), /crashed/);
    await us.bucket.put('k', text('again'));
    await assert.rejects(eu.copyFrom(us), /crashed/);
    const after = (await eu.log.lastOfEach('*.k.k')).map(({ sequence }) => sequence);
    assert.deepEqual(after, before);
  });

  it('does not count again what it recorded and no longer keeps', async () => {
    await conflict();
    await eu.copyFrom(us);
    eu.clock.advance(26 * hourMs);
    await eu.restart();
    await eu.bucket.put('k', text('next'));
    assert.equal((await eu.bucket.lostWrites({ limit: 10 })).writes.length, 0);
    assert.equal(eu.bucket.status().lost, 1);
  });

  it('a write of a clock days ahead waits until its time is near, and harms nobody', async () => {
    us.clock.jumpWall(48 * hourMs);
    await us.bucket.put('k', text('far'));
    const [message] = await us.written();
    assert.equal(await eu.copier.copy(message!), 'held');
    await eu.bucket.put('k', text('eu'));
    // Its clock put right, the region's next write is of the present again, and is taken.
    us.clock.jumpWall(-48 * hourMs);
    us.clock.advance(1_000);
    const version = await us.bucket.put('k', text('right'));
    await eu.copyFrom(us);
    assert.equal((await eu.bucket.get('k')).entry?.version, version);
    assert.equal((await us.bucket.get('k')).entry?.version, version);
    eu.clock.advance(47.5 * hourMs);
    assert.equal(await eu.copier.copy(message!), 'done');
  });

  it('a time that another region with an early clock took is followed by later ones', async () => {
    us.clock.jumpWall(65 * 60_000);
    eu.clock.jumpWall(10 * 60_000);
    await us.bucket.put('k', text('early'));
    await eu.copyFrom(us);
    assert.notEqual((await eu.bucket.get('k')).entry, undefined);
    us.clock.jumpWall(-65 * 60_000);
    const version = await us.bucket.put('k', text('right'));
    await eu.copyFrom(us);
    assert.equal((await eu.bucket.get('k')).entry?.version, version);
    assert.equal((await us.bucket.get('k')).entry?.version, version);
  });

  it('what a hostile region sends is no entry, and is passed over', async () => {
    await us.bucket.put('k', text('us'));
    const [message] = await us.written();
    const bad = [
      { ...message!, head: '' },
      { ...message!, head: message!.head.replace('@us', '@eu') },
      { ...message!, subject: 'us.x.k' },
      { ...message!, subject: 'us.k.' },
    ];
    for (const one of bad) assert.equal(await eu.copier.copy(one), 'malformed');
    assert.equal((await eu.log.last('>'))?.subject, 'eu.canary');
    await eu.log.append({ subject: 'us.k.k', head: 'nonsense', value: text('x') });
    assert.equal((await eu.bucket.get('k')).entry, undefined);
    await eu.bucket.put('k', text('eu'));
    assert.equal(await eu.copier.copy(message!), 'done');
    assert.deepEqual((await eu.bucket.list({ limit: 10 })).entries.length, 1);
  });

  it('takes a value in the place of another when there is no room for more', async () => {
    const value = new Uint8Array(1_000);
    const fill = async () => {
      for (let n = 0; ; n++) await eu.bucket.put(`k.${n}`, value);
    };
    await assert.rejects(fill(), { code: 'bucket_full', details: { outcome: 'none' } });
    await eu.bucket.put('k.0', value);
    await eu.bucket.delete('k.1');
    await eu.bucket.put('k.1', value);
    await assert.rejects(eu.bucket.put('more', value), { code: 'bucket_full' });
  });

  it('asks for the size of its log before it refuses, so what was deleted makes room at once', async () => {
    const value = new Uint8Array(1_000);
    let [told, looks] = [eu.log.state(), 0];
    eu.log.state = () => told;
    eu.log.look = async () => {
      looks++;
      await turn();
      told = MemoryLog.prototype.state.call(eu.log);
    };
    const fill = async () => {
      for (let n = 0; ; n++) await eu.bucket.put(`k.${n}`, value);
    };
    await assert.rejects(fill(), { code: 'bucket_full' });
    const before = looks;
    for (const key of ['k.1', 'k.2']) await eu.bucket.delete(key);
    await eu.bucket.put('more', value);
    assert.equal(looks, before + 1);
    // All see the same answer, and each what those before it took.
    const many = Array.from({ length: 20 }, (_, n) => eu.bucket.put(`many.${n}`, value));
    const codes = (await Promise.allSettled(many)).map((one) =>
      one.status === 'fulfilled' ? 'stored' : (one.reason as { code: string }).code,
    );
    const stored = codes.filter((code) => code === 'stored').length;
    assert.ok(stored <= 1, `${stored} stored where one has room`);
    assert.ok(codes.every((code) => code === 'stored' || code === 'bucket_full'));
    const { bytes } = MemoryLog.prototype.state.call(eu.log);
    assert.ok(bytes <= 1024 * 1024, `${bytes}`);
  });

  it('has no strong reads and writes', async () => {
    const strong = { consistency: 'strong' } as const;
    for (const call of [
      eu.bucket.get('k', strong),
      eu.bucket.put('k', text('v'), undefined, strong),
      eu.bucket.delete('k', undefined, strong),
    ]) {
      await assert.rejects(call, { code: 'consistency_not_offered', details: { outcome: 'none' } });
    }
    assert.equal((await eu.bucket.get('k')).entry, undefined);
  });

  it('says closed when it is', async () => {
    await eu.bucket.close();
    for (const call of [
      eu.bucket.get('k'),
      eu.bucket.put('k', text('')),
      eu.bucket.list({ limit: 1 }),
    ]) {
      await assert.rejects(call, { code: 'closed' });
    }
    assert.throws(() => eu.bucket.watch({}), { code: 'closed' });
  });
});

describe('an async bucket with a ttl', () => {
  it('ends a value that long after its time, in every region alike', async () => {
    const [eu, us] = [new AsyncPlace('eu', hourMs), new AsyncPlace('us', hourMs)];
    await eu.bucket.put('k', text('1'));
    eu.clock.advance(hourMs / 2);
    us.clock.advance(hourMs / 2);
    await us.copyFrom(eu);
    for (const place of [eu, us]) {
      assert.ok((await place.bucket.get('k')).entry);
      place.clock.advance(hourMs / 2);
      assert.equal((await place.bucket.get('k')).entry, undefined);
      assert.deepEqual((await place.bucket.list({ limit: 1 })).entries, []);
      await place.bucket.put('k', text('2'), { type: 'absent' });
    }
    await us.copyFrom(eu);
    await Promise.all([eu.close(), us.close()]);
  });

  it('ends it by as much sooner or later as the clock of the reader is ahead of the writer’s, or behind', async () => {
    const minuteMs = 60_000;
    const eu = new AsyncPlace('eu', hourMs);
    const us = new AsyncPlace('us', hourMs, 10 * minuteMs);
    await eu.bucket.put('eu', text('1'));
    await us.bucket.put('us', text('1'));
    await us.copyFrom(eu);
    await eu.copyFrom(us);
    const seenIn = async ({ bucket }: AsyncPlace) => {
      const keys = ['eu', 'us'];
      const reads = await bucket.getAll(keys);
      return keys.filter((_, index) => reads[index]?.entry);
    };
    const both = async (afterMs: number) => {
      for (const { clock } of [eu, us]) clock.advance(afterMs);
      return [await seenIn(eu), await seenIn(us)];
    };
    assert.deepEqual(await both(50 * minuteMs - 1), [
      ['eu', 'us'],
      ['eu', 'us'],
    ]);
    assert.deepEqual(await both(1), [['eu', 'us'], ['us']]);
    assert.deepEqual(await both(10 * minuteMs), [['us'], []]);
    assert.deepEqual(await both(10 * minuteMs), [[], []]);
    await Promise.all([eu.close(), us.close()]);
  });

  it('keeps it an hour longer at most, however far ahead the clock of its writer is', async () => {
    const eu = new AsyncPlace('eu', hourMs);
    const us = new AsyncPlace('us', hourMs, 3 * hourMs);
    await us.bucket.put('k', text('1'));
    const [message] = await us.written();
    eu.clock.advance(2 * hourMs - 1);
    assert.equal(await eu.copier.copy(message!), 'held');
    eu.clock.advance(1);
    assert.equal(await eu.copier.copy(message!), 'done');
    eu.clock.advance(2 * hourMs - 1);
    assert.ok((await eu.bucket.get('k')).entry);
    eu.clock.advance(1);
    assert.equal((await eu.bucket.get('k')).entry, undefined);
    await Promise.all([eu.close(), us.close()]);
  });

  it('does not count as lost what had ended', async () => {
    const [eu, us] = [new AsyncPlace('eu', hourMs), new AsyncPlace('us', hourMs)];
    await eu.bucket.put('k', text('1'));
    for (const { clock } of [eu, us]) clock.advance(hourMs);
    await us.bucket.put('k', text('2'));
    await eu.copyFrom(us);
    assert.equal(eu.bucket.status().lost, 0);
    await Promise.all([eu.close(), us.close()]);
  });
});
