import assert from 'node:assert/strict';
import { test } from 'node:test';
import { styleText } from 'node:util';
import { table } from './output.ts';

test('columns are as wide as what is seen in them, colours not counted', () => {
  const red = styleText('red', 'unhealthy', { validateStream: false });
  const rows = table([
    ['eu', red, 'x'],
    ['us-east-1', 'up', ''],
  ]);
  assert.equal(rows, `eu         ${red}  x\nus-east-1  up`);
});

test('a heading stands over its columns', () => {
  const text = table([['eu', 'healthy']], ['REGION', 'STATE']);
  assert.deepEqual(text.split('\n'), ['REGION  STATE', 'eu      healthy']);
});
