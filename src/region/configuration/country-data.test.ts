import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configSchema } from '../../config/schema/config.ts';
import { emptyLocator } from '../../steering/geo/locator.ts';
import { loadCountryData } from './country-data.ts';

const location = { latitude: 1, longitude: 2 };
const config = configSchema.parse({
  regions: {
    here: { address: '127.0.0.1', location },
    there: { address: '127.0.0.2', location, kind: 'witness' },
  },
});
const load = async () => emptyLocator;

test('a missing package is one sentence, and none to a witness', async () => {
  assert.equal(
    (await loadCountryData(config, 'here', { required: true, load })).trouble,
    'no country data: clients are steered by measured latency and otherwise to the region whose name server they ask (package @ip-location-db/geo-whois-asn-country-mmdb is not installed)',
  );
  assert.equal(
    (await loadCountryData(config, 'there', { required: true, load })).trouble,
    undefined,
  );
});

test('data that is there is no trouble; a damaged package is one, not an error', async () => {
  const there = async () => ({ ...emptyLocator, source: '/some.mmdb' });
  const { locator, trouble } = await loadCountryData(config, 'here', {
    required: true,
    load: there,
  });
  assert.deepEqual([locator.source, trouble], ['/some.mmdb', undefined]);
  const broken = () => Promise.reject(new Error('cannot read the GeoIP database X'));
  const damaged = await loadCountryData(config, 'here', { required: true, load: broken });
  assert.match(damaged.trouble ?? '', /\(cannot read the GeoIP database X\)$/);
});
