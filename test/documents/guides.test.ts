import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { configOf } from './example-config.ts';
import { blocksOf, guidePaths } from './markdown.ts';

test('every YAML example of the guides and the README is a valid configuration', () => {
  let count = 0;
  for (const path of guidePaths()) {
    for (const block of blocksOf(path, 'yaml')) {
      parseConfig(JSON.stringify(configOf(block)), block.place);
      count++;
    }
  }
  assert.ok(count >= 15, `${count} examples were found`);
});
