import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { AsyncPlace } from '../../../test/support/async-place.ts';
import { MemoryLog } from '../../store/memory/memory-log.ts';

const text = (value: string) => Buffer.from(value);

/** Two nodes of one region: what one remembers, the other may have changed. */
describe('a write whose key was remembered', () => {
  let one: AsyncPlace;
  let two: AsyncPlace;
  let us: AsyncPlace;
  let reads: number;
  beforeEach(() => {
    one = new AsyncPlace('eu');
    two = one.another();
    us = new AsyncPlace('us');
    reads = 0;
    const last = one.log.last.bind(one.log);
    one.log.last = (pattern) => {
      if (pattern.includes('.k.')) reads++;
      return last(pattern);
    };
  });
  afterEach(() => Promise.all([one.close(), two.close(), us.close()]));

  const value = async (place: AsyncPlace) =>
    Buffer.from((await place.bucket.get('k')).entry?.value ?? '').toString();

  it('takes one append and no read', async () => {
    let version = await one.bucket.put('k', text('0'));
    assert.equal(reads, 1);
    for (const n of [1, 2, 3]) {
      const next = await one.bucket.put('k', text(`${n}`), {
        type: 'version',
        versions: [version],
      });
      assert.ok(next > version);
      version = next;
    }
    assert.equal(reads, 1);
    assert.equal(await value(two), '3');
  });

  it('is done again where another node wrote meanwhile, beyond what that wrote', async () => {
    await one.bucket.put('k', text('one'));
    one.clock.advance(50);
    const theirs = await two.bucket.put('k', text('two'));
    const own = await one.bucket.put('k', text('again'));
    assert.ok(own > theirs);
    assert.equal(await value(two), 'again');
    assert.equal(one.bucket.status().lost, 0);
  });

  it('is refused and left out only for what is there', async () => {
    const before = await one.bucket.put('k', text('one'));
    one.clock.advance(50);
    const theirs = await two.bucket.put('k', text('two'));
    const seen = (version: string) => ({ type: 'version', versions: [version] }) as const;
    await assert.rejects(one.bucket.put('k', text('x'), seen(before)), {
      code: 'precondition_failed',
    });
    await one.bucket.put('k', text('3'), seen(theirs));
    await two.bucket.delete('k');
    await one.bucket.put('k', text('4'), { type: 'absent' });
    await one.bucket.delete('k');
    await two.bucket.put('k', text('5'));
    await one.bucket.delete('k');
    assert.equal(await value(two), '');
  });

  it('has seen what was copied meanwhile, by this node or another, so that nothing is lost', async () => {
    await one.bucket.put('k', text('one'));
    await us.copyFrom(one);
    us.clock.advance(1_000);
    await us.bucket.put('k', text('us'));
    await two.copyFrom(us);
    await one.bucket.put('k', text('both'));
    await us.copyFrom(one);
    assert.equal(await value(us), 'both');
    assert.deepEqual([one.bucket.status().lost, us.bucket.status().lost], [0, 0]);
  });

  it('has seen all that was known, also where only the newest entry was read', async () => {
    const ap = new AsyncPlace('ap');
    await us.bucket.put('k', text('us'));
    one.clock.advance(1_000);
    ap.clock.advance(1_000);
    await ap.bucket.put('k', text('ap'));
    await one.copyFrom(ap);
    await two.bucket.put('k', text('two'));
    const write = () => one.writer.write({ key: 'k', value: text('x'), condition: undefined });
    await write();
    await one.copyFrom(us);
    await write();
    const { head } = (await one.log.last('eu.k.k'))!;
    assert.match(head, /seen=\S*@ap/);
    assert.match(head, /seen=\S*@us/);
    await ap.close();
  });

  it('does not replace one that lost before that was recorded', async () => {
    const write = () => one.writer.write({ key: 'k', value: text('eu'), condition: undefined });
    await write();
    us.clock.advance(1_000);
    await us.bucket.put('k', text('us'));
    const append = one.lost.append.bind(one.lost);
    one.lost.append = () => Promise.reject(new Error('the disk is full'));
    await assert.rejects(one.copyFrom(us));
    one.lost.append = append;
    await write();
    assert.equal(one.bucket.status().lost, 1);
  });

  it('of many new keys is not read for first, and finds what is there nevertheless', async () => {
    for (let n = 0; n < 20; n++) await one.bucket.put(`new.${n}`, text('x'));
    assert.ok(reads < 10, `${reads} reads`);
    await two.bucket.put('k', text('two'));
    await assert.rejects(one.bucket.put('k', text('x'), { type: 'absent' }), {
      code: 'precondition_failed',
    });
    const { entry } = await two.bucket.get('k');
    await one.bucket.put('k', text('x'), { type: 'version', versions: [entry!.version] });
  });

  it('is read for again when the log is another one', async () => {
    await one.bucket.put('k', text('one'));
    const state = MemoryLog.prototype.state;
    one.log.state = () => ({ ...state.call(one.log), epoch: undefined });
    await one.bucket.put('k', text('two'));
    assert.equal(reads, 2);
    one.log.state = () => ({ ...state.call(one.log), epoch: 'another' });
    await one.bucket.put('k', text('three'));
    assert.equal(reads, 3);
  });
});
