import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countryCentres } from './country-centres.ts';
import { placeOfRecord } from './place.ts';

test('the schemas of the usual databases are read', () => {
  const area = { continent: 'EU', country: 'DE', subdivision: '' };
  const germany = { location: countryCentres.get('DE'), area, label: 'DE' };
  assert.deepEqual(placeOfRecord({ country_code: 'DE' }), germany);
  assert.deepEqual(placeOfRecord({ country: { iso_code: 'DE' } }), germany);
  const berlin = { latitude: 52.5, longitude: 13.4 };
  assert.deepEqual(placeOfRecord({ country: { iso_code: 'DE' }, location: berlin }), {
    location: berlin,
    area,
    label: 'DE',
  });
  assert.deepEqual(placeOfRecord({ country_code: 'DE', ...berlin }).location, berlin);
  const label = '52.5, 13.4';
  assert.deepEqual(placeOfRecord({ location: berlin }), {
    location: berlin,
    area: undefined,
    label,
  });
  const subdivisions = [{ iso_code: 'BE' }, { iso_code: 'X' }];
  const city = placeOfRecord({ country: { iso_code: 'DE' }, subdivisions });
  assert.deepEqual(city.area, { ...area, subdivision: 'DE-BE' });
  assert.equal(city.label, 'DE-BE');
});

test('what is not a place gives no location and says why', () => {
  assert.deepEqual(placeOfRecord({}), {
    location: undefined,
    area: undefined,
    label: 'no country in the database',
  });
  const continent = { code: 'AF' };
  const somewhere = { continent: 'AF', country: '', subdivision: '' };
  assert.deepEqual(placeOfRecord({ continent }).area, somewhere);
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
