import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { drainTimeMs } from './drain-time.ts';

const configOf = (fields: object) =>
  configSchema.parse({
    regions: { here: { address: '127.0.0.1', location: { latitude: 1, longitude: 2 } } },
    ...fields,
  });
const record = { name: 'a', type: 'A', values: ['192.0.2.1'] };

test('draining outlasts the longest TTL by two seconds, up to the maximum', () => {
  const zone = (ttls: (string | undefined)[]) => ({
    'x.test': {
      ttl: '20s',
      records: ttls.map((ttl, n) => ({ ...record, name: `n${n}`, ...(ttl && { ttl }) })),
    },
  });
  const drain = { maximum: '5m' };
  assert.equal(drainTimeMs(configOf({ drain })), 2_000);
  assert.equal(drainTimeMs(configOf({ drain, zones: zone([undefined]) })), 22_000);
  assert.equal(drainTimeMs(configOf({ drain, zones: zone(['5s', '60s', undefined]) })), 62_000);
  assert.equal(drainTimeMs(configOf({ drain: { maximum: '9s' }, zones: zone(['60s']) })), 9_000);
});
