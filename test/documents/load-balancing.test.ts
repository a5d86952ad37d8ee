import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remaps } from '../../bench/micro/balancers.ts';
import { tableUnder } from './markdown.ts';

test('the shares of keys that move are those that the bench measures', () => {
  const percent = (share: number) => `${(share * 100).toFixed(2)} %`;
  const measured = remaps().map(({ name, endpoints, moved, least, peak }) => [
    name.startsWith('Maglev') ? '`consistentHash`' : '`ipHash`',
    String(endpoints),
    percent(moved),
    percent(least),
    peak.toFixed(3),
  ]);
  assert.deepEqual(tableUnder('docs/guides/load-balancing.md', 'algorithm').rows, measured);
});
