import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countryCentres } from './country-centres.ts';
import { placeOfRecord } from './place.ts';

test('the schemas of the usual databases are read', () => {
  const germany = { location: countryCentres.get('DE'), label: 'DE' };
  assert.deepEqual(placeOfRecord({ country_code: 'DE' }), germany);
  assert.deepEqual(placeOfRecord({ country: { iso_code: 'DE' } }), germany);
  const berlin = { latitude: 52.5, longitude: 13.4 };
  assert.deepEqual(placeOfRecord({ country: { iso_code: 'DE' }, location: berlin }), {
    location: berlin,
    label: 'DE',
  });
  assert.deepEqual(placeOfRecord({ country_code: 'DE', ...berlin }).location, berlin);
  assert.deepEqual(placeOfRecord({ location: berlin }), { location: berlin, label: '52.5, 13.4' });
});

test('what is not a place gives no location and says why', () => {
  assert.deepEqual(placeOfRecord({}), { location: undefined, label: 'no country in the database' });
  assert.equal(placeOfRecord({ country_code: 'ZZ' }).location, undefined);
  assert.match(placeOfRecord({ country_code: 'ZZ' }).label, /^ZZ, /);
  assert.equal(placeOfRecord({ location: { latitude: 91, longitude: 0 } }).location, undefined);
  assert.equal(placeOfRecord({ country: null, country_code: 7 }).location, undefined);
});

test('every centre is on the globe', () => {
  assert.ok(countryCentres.size >= 249);
  for (const [code, { latitude, longitude }] of countryCentres) {
    assert.match(code, /^[A-Z]{2}$/);
    assert.ok(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180, code);
  }
});
