import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tableOf } from '../testing/manual-feed.ts';
import { currencies, isCurrency, minorUnitsOf } from './currency.ts';
import { rateOf } from './rate-table.ts';

test('currencies have the decimals of ISO 4217', () => {
  const of = (decimals: number) => currencies.filter((code) => minorUnitsOf(code) === decimals);
  assert.deepEqual(of(0), ['ISK', 'JPY', 'KRW']);
  assert.deepEqual(of(3), ['BHD', 'KWD', 'TND']);
  assert.equal(of(2).length, currencies.length - 6);
  for (const text of ['eur', 'XXX', '', '__proto__', 'constructor', 'toString']) {
    assert.equal(isCurrency(text), false, text);
  }
});

test('a rate between two currencies goes over the pivot and is rounded once', () => {
  const table = tableOf('USD', { EUR: '0.8', JPY: '150', KWD: '0.3' });
  assert.equal(rateOf(table, 'USD', 'EUR').toString(), '0.8000000000');
  assert.equal(rateOf(table, 'EUR', 'USD').toString(), '1.2500000000');
  assert.equal(rateOf(table, 'EUR', 'JPY').toString(), '187.5000000000');
  assert.equal(rateOf(table, 'JPY', 'KWD').toString(), '0.0020000000');
  assert.equal(rateOf(table, 'KWD', 'EUR').toString(), '2.6666666667');
  assert.equal(rateOf(table, 'JPY', 'JPY').toString(), '1.0000000000');
  assert.throws(() => rateOf(table, 'EUR', 'CHF'), /no rate of CHF/);
});
