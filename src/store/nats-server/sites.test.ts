import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hubRegions } from '../../config/hub-regions.ts';
import { parseConfig } from '../../config/load.ts';
import { hubVoters, storeSites } from './sites.ts';

test('the configuration knows the voters of the hub as the store does', () => {
  const kinds = ['region', 'edge', 'witness', 'region', 'region', 'edge', 'region', 'region'];
  for (let count = 1; count <= kinds.length; count++) {
    const regions = kinds.slice(0, count).map((kind, index) => {
      const location = { latitude: 0, longitude: 0 };
      return [`r${index}`, { address: `127.0.0.${index + 1}`, location, kind }] as const;
    });
    const { config } = parseConfig(
      JSON.stringify({ regions: Object.fromEntries(regions) }),
      'a.json',
    );
    const voters = hubVoters(storeSites(config)).map(({ region }) => region);
    assert.deepEqual(hubRegions(Object.entries(config.regions)), voters);
  }
});
