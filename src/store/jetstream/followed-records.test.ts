import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judgePosition } from './followed-records.ts';

const extent = { lastRevision: 50, lastWrittenAtMs: 9_000, epoch: 'e' };
const position = { epoch: 'e', revision: 40, writtenAtMs: 8_000 };
const forEver = { nowMs: 1e9, maximumAgeMs: undefined };
const aMinute = (nowMs: number) => ({ nowMs, maximumAgeMs: 60_000 });

it('goes on from any position of this life of the bucket where nothing is ever dropped', () => {
  assert.equal(judgePosition(position, extent, forEver), undefined);
  assert.equal(judgePosition({ ...position, revision: 50 }, extent, forEver), undefined);
  assert.equal(judgePosition({ ...position, epoch: 'f' }, extent, forEver), 'other');
  assert.equal(judgePosition({ ...position, revision: 51 }, extent, forEver), 'ahead');
});

it('does not where something may have been dropped that was not told', () => {
  assert.equal(judgePosition(position, extent, aMinute(68_000)), undefined);
  assert.equal(judgePosition(position, extent, aMinute(68_001)), 'aged');
  const atTheEnd = { ...position, revision: 50 };
  assert.equal(judgePosition(atTheEnd, extent, aMinute(1e9)), undefined, 'nothing came since');
  assert.equal(judgePosition({ ...position, revision: 0 }, extent, aMinute(1e9)), undefined);
});
