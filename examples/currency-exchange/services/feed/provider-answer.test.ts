import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ProviderError, readProviderAnswer } from './provider-answer.ts';

const read = (answer: unknown) => readProviderAnswer(JSON.stringify(answer));

test('numbers and texts keep their digits; what is not known is left out', () => {
  const rates = { USD: 1.0712, JPY: '167.2100', XAU: 0.0004, DOGE: 'much', EUR: 1 };
  const { pivot, perPivot } = read({ base: 'EUR', date: '2025-01-01', rates });
  assert.equal(pivot, 'EUR');
  assert.deepEqual(
    [...perPivot].map(([code, rate]) => `${code} ${rate}`),
    ['EUR 1', 'JPY 167.2100', 'USD 1.0712'],
  );
  const precise = read({ base: 'EUR', rates: { USD: 1.07123456789012 } }).perPivot.get('USD');
  assert.equal(String(precise), '1.07123456789012');
});

test('an answer with anything wrong in it is refused as a whole, with the reason', () => {
  const usd = { USD: 1.07 };
  const cases: [unknown, RegExp][] = [
    [[], /not a JSON object/],
    [null, /not a JSON object/],
    ['rates', /not a JSON object/],
    [{ rates: usd }, /its base is no known currency/],
    [{ base: 'XXX', rates: usd }, /its base is no known currency/],
    [{ base: ['EUR'], rates: usd }, /its base is no known currency/],
    [{ base: 'EUR' }, /it has no rates/],
    [{ base: 'EUR', rates: [1] }, /it has no rates/],
    [{ base: 'EUR', rates: {} }, /no rate of a known currency/],
    [{ base: 'EUR', rates: { XAU: 1 } }, /no rate of a known currency/],
    [{ base: 'EUR', rates: { ...usd, EUR: 1.01 } }, /its base is not worth 1/],
  ];
  for (const rate of [0, -1, '0.000', 1e-7, 1e300, 1_000_001, '', 'NaN', null, true, {}, ['1']]) {
    cases.push([{ base: 'EUR', rates: { ...usd, JPY: rate } }, /its rate of JPY is not plausible/]);
  }
  for (const [answer, reason] of cases) {
    assert.throws(() => read(answer), reason, JSON.stringify(answer));
  }
  for (const text of ['', '{', '<html>', '{"base":"EUR","rates":{"USD":NaN}}']) {
    assert.throws(() => readProviderAnswer(text), /it is not JSON/, text);
  }
  const inherited = '{"base":"EUR","rates":{"__proto__":{"USD":1.07}}}';
  assert.throws(() => readProviderAnswer(inherited), /no rate of a known currency/);
});

test('no input makes it throw anything else, or give a rate that is not positive', () => {
  const value = fc.oneof(fc.double(), fc.string(), fc.constantFrom('1.07', 1.07, null));
  const rates = fc.dictionary(fc.constantFrom('USD', 'JPY', 'EUR', '__proto__', 'x'), value);
  const answer = fc.record({ base: fc.constantFrom('EUR', 'USD', 'x', 1), rates });
  fc.assert(
    fc.property(
      fc.oneof(
        answer.map((one) => JSON.stringify(one)),
        fc.json(),
      ),
      (text) => {
        try {
          for (const rate of readProviderAnswer(text).perPivot.values()) assert.equal(rate.sign, 1);
        } catch (error) {
          if (!(error instanceof ProviderError)) throw error;
        }
      },
    ),
  );
});
