import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../base/steps.ts';
import { configSchema } from '../../config/schema/config.ts';
import { packConfig, unpackConfig } from './packed-config.ts';

for (const count of [0, 1, 100, 101, 250]) {
  test(`a configuration with ${count} routes comes out as it went in`, () => {
    const config = configSchema.parse({
      regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      services: { api: { endpoints: { eu: ['127.0.0.1:1'] } } },
      routes: Array.from({ length: count }, (_, at) => ({
        name: `r${at}`,
        prefix: `/${at}`,
        service: 'api',
      })),
    });
    const packed = structuredClone(packConfig(config));
    assert.deepEqual(atOnce(unpackConfig(packed)), config);
    assert.equal(packed.routes.length, Math.ceil(count / 100));
  });
}
