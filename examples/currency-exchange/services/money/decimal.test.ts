import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Decimal } from './decimal.ts';

const unscaled = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
const scale = fc.nat({ max: 20 });
const decimal = fc.tuple(unscaled, scale).map(([value, places]) => new Decimal(value, places));
const exact = (text: string) => Decimal.parse(text) ?? assert.fail(`${text} is no number`);
const minus = (one: Decimal, other: Decimal) => {
  const digits = Math.max(one.scale, other.scale);
  const whole = (value: Decimal) => BigInt(value.rounded(digits).toString().replace('.', ''));
  return new Decimal(whole(one) - whole(other), digits);
};

test('text → number → text is the same text', () => {
  fc.assert(
    fc.property(decimal, (value) => {
      const text = value.toString();
      assert.equal(exact(text).toString(), text);
      assert.equal(exact(text).compare(value), 0);
      assert.equal(JSON.stringify({ value }), `{"value":"${text}"}`);
    }),
  );
  for (const text of ['0', '0.00', '12.50', '-0.001', '-3', '100000000000000000000.1']) {
    assert.equal(exact(text).toString(), text);
  }
  assert.equal(exact('-0.0').toString(), '0.0', 'there is one zero');
});

test('what is not plain digits is no number', () => {
  const texts = ['', ' ', '.', '1.', '.5', '+1', '--1', '01', '1e5', '1,5', '1 0', '0x1', '1.2.3'];
  for (const text of [...texts, '١', 'NaN', 'Infinity', '1\n', '1_000', '9'.repeat(1_001)]) {
    assert.equal(Decimal.parse(text), undefined, text);
  }
});

test('order is that of the numbers, whatever their scales', () => {
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      assert.equal(one.compare(other), minus(one, other).sign);
      assert.equal(one.rounded(one.scale + 5).compare(one), 0);
    }),
  );
});

test('products are exact', () => {
  assert.equal(exact('0.1').times(exact('0.2')).toString(), '0.02');
  fc.assert(
    fc.property(unscaled, scale, unscaled, scale, (a, aScale, b, bScale) => {
      const product = new Decimal(a, aScale).times(new Decimal(b, bScale));
      assert.equal(product.compare(new Decimal(a * b, aScale + bScale)), 0);
      assert.equal(product.scale, aScale + bScale);
    }),
  );
});

test('rounding is half-even on both sides of zero', () => {
  const cases = { '0.5': '0', '1.5': '2', '2.5': '2', '2.51': '3', '-0.5': '0', '-1.5': '-2' };
  for (const [text, rounded] of Object.entries({ ...cases, '-2.5': '-2', '-2.49': '-2' })) {
    assert.equal(exact(text).rounded(0).toString(), rounded, text);
  }
  assert.equal(exact('0.125').rounded(2).toString(), '0.12');
  assert.equal(exact('0.375').rounded(2).toString(), '0.38');
  assert.equal(exact('7').rounded(3).toString(), '7.000');
});

test('a rounded number is at most half a unit away; when exactly that, its last digit is even', () => {
  // Few digits, so that ties are common.
  const tied = fc
    .tuple(fc.bigInt({ min: -9_999n, max: 9_999n }), fc.nat({ max: 4 }))
    .map(([value, places]) => new Decimal(value, places));
  fc.assert(
    fc.property(fc.oneof(decimal, tied), fc.nat({ max: 4 }), (value, places) => {
      assertNearest(value, value.rounded(places), new Decimal(1n), places);
    }),
  );
});

test('a quotient is the nearest one with its decimals', () => {
  const divisor = fc.oneof(decimal, fc.constantFrom('2', '-4', '0.5', '8').map(exact));
  fc.assert(
    fc.property(decimal, divisor, fc.nat({ max: 12 }), (dividend, by, places) => {
      fc.pre(by.sign !== 0);
      assertNearest(dividend, dividend.dividedBy(by, places), by, places);
    }),
  );
  assert.equal(exact('1').dividedBy(exact('3'), 4).toString(), '0.3333');
  assert.equal(exact('1').dividedBy(exact('8'), 2).toString(), '0.12');
  assert.equal(exact('-3').dividedBy(exact('8'), 2).toString(), '-0.38');
  assert.throws(() => exact('1').dividedBy(exact('0.00'), 2), RangeError);
});

/** |quotient × divisor − dividend| ≤ half a unit of the last place × |divisor|. */
function assertNearest(dividend: Decimal, quotient: Decimal, divisor: Decimal, places: number) {
  assert.equal(quotient.scale, places);
  const size = (value: Decimal) => (value.sign < 0 ? value.times(new Decimal(-1n)) : value);
  const error = size(minus(quotient.times(divisor), dividend));
  const half = size(divisor).times(new Decimal(5n, places + 1));
  assert.ok(error.compare(half) <= 0, `${dividend} / ${divisor} gave ${quotient}`);
  if (error.compare(half) === 0) assert.match(quotient.toString(), /[02468]$/);
}

test('a sum is exact, whatever the decimals of its parts', () => {
  fc.assert(
    fc.property(decimal, decimal, (one, other) => {
      const sum = one.plus(other);
      assert.equal(sum.scale, Math.max(one.scale, other.scale));
      assert.equal(minus(sum, other).compare(one), 0);
    }),
  );
  assert.equal(exact('0.1').plus(exact('0.20')).toString(), '0.30');
});
