import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../src/config/load.ts';
import { checkZones } from '../../src/dns/zone/check.ts';
import { configOf } from './example-config.ts';
import { blocksOf, guidePaths } from './markdown.ts';

test('every YAML example of the guides and the README is a valid configuration', async () => {
  let count = 0;
  for (const path of guidePaths()) {
    for (const block of blocksOf(path, 'yaml')) {
      const { config } = parseConfig(JSON.stringify(configOf(block)), block.place);
      await checkZones(config, block.place);
      count++;
    }
  }
  assert.ok(count >= 15, `${count} examples were found`);
});
