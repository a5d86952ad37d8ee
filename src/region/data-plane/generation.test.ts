import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { HealthTable } from '../../health/table.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { type Generation, nextGeneration } from './generation.ts';

function follow(before: Generation | undefined, change: Partial<ConfigInput>): Generation {
  const config = configSchema.parse({
    regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: { s: { endpoints: { eu: ['127.0.0.1:1', '127.0.0.1:2'] } } },
    routes: [{ name: 'r', service: 's' }],
    ...change,
  });
  return nextGeneration(before, { config } as Configuration);
}

test('a table is shared while its layout is the same, and threads can read the one they get', () => {
  const first = follow(undefined, {});
  first.table.endpoints.eject(1, [0, 1], 0.5, 1);
  assert.equal(follow(first, { routes: [] }).table, first.table);
  const changes: Partial<ConfigInput>[] = [
    { threads: { gateway: 4 } },
    { services: { s: { endpoints: { eu: ['127.0.0.1:3', '127.0.0.1:2'] } } } },
  ];
  for (const change of changes) {
    const { table, topology } = follow(first, change);
    assert.notEqual(table, first.table);
    assert.ok(new HealthTable(topology, table.buffer).ejected(1), 'what was ejected stays so');
  }
});
