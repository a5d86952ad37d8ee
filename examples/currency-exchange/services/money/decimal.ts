/** More digits than any rate or amount has; keeps hostile input cheap. */
const maximumLength = 1_000;
const syntax = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?$/;

/**
 * An exact decimal number: `unscaled` / 10^`scale`. Money is never a binary fraction, in which
 * 0.1 + 0.2 is not 0.3. Where digits must go, rounding is half-even, which has no drift.
 *
 *   12.50  =  1250n  with scale 2
 */
export class Decimal {
  readonly #unscaled: bigint;
  readonly scale: number;

  /** `scale` is a whole number ≥ 0. */
  constructor(unscaled: bigint, scale = 0) {
    this.#unscaled = unscaled;
    this.scale = scale;
  }

  /** Digits with an optional sign and fraction, without exponent; `undefined` for all else. */
  static parse(text: string): Decimal | undefined {
    const match = text.length <= maximumLength ? syntax.exec(text) : null;
    if (!match) return undefined;
    const [, sign, whole, fraction = ''] = match;
    return new Decimal(BigInt(`${sign}${whole}${fraction}`), fraction.length);
  }

  /** The exact product; its scale is the sum of both. */
  times(other: Decimal): Decimal {
    return new Decimal(this.#unscaled * other.#unscaled, this.scale + other.scale);
  }

  /** The exact sum, with the greater scale of both. */
  plus(other: Decimal): Decimal {
    const scale = Math.max(this.scale, other.scale);
    const unscaled = (of: Decimal) => of.#unscaled * powerOfTen(scale - of.scale);
    return new Decimal(unscaled(this) + unscaled(other), scale);
  }

  /** The quotient rounded to `scale` decimals. Throws `RangeError` for a divisor of zero. */
  dividedBy(other: Decimal, scale: number): Decimal {
    const dividend = this.#unscaled * powerOfTen(other.scale + scale);
    return new Decimal(divideHalfEven(dividend, other.#unscaled * powerOfTen(this.scale)), scale);
  }

  /** The same number with exactly `scale` decimals. */
  rounded(scale: number): Decimal {
    const more = scale - this.scale;
    const unscaled =
      more >= 0
        ? this.#unscaled * powerOfTen(more)
        : divideHalfEven(this.#unscaled, powerOfTen(-more));
    return new Decimal(unscaled, scale);
  }

  /** Negative, 0 or positive, as the number is below, equal to or above `other`. */
  compare(other: Decimal): number {
    const left = this.#unscaled * powerOfTen(other.scale);
    const right = other.#unscaled * powerOfTen(this.scale);
    return left < right ? -1 : Number(left > right);
  }

  get sign(): -1 | 0 | 1 {
    if (this.#unscaled === 0n) return 0;
    return this.#unscaled < 0n ? -1 : 1;
  }

  toString(): string {
    const digits = String(this.sign < 0 ? -this.#unscaled : this.#unscaled);
    const padded = digits.padStart(this.scale + 1, '0');
    const point = padded.length - this.scale;
    const fraction = this.scale > 0 ? `.${padded.slice(point)}` : '';
    return `${this.sign < 0 ? '-' : ''}${padded.slice(0, point)}${fraction}`;
  }

  /** A string: most readers of JSON numbers would turn them into binary fractions. */
  toJSON(): string {
    return this.toString();
  }
}

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** The nearest whole quotient; of two that are as near, the even one. */
function divideHalfEven(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor; // towards zero
  const twiceRest = magnitude((dividend % divisor) * 2n);
  const size = magnitude(divisor);
  const awayFromZero = twiceRest > size || (twiceRest === size && quotient % 2n !== 0n);
  if (!awayFromZero) return quotient;
  return dividend < 0n === divisor < 0n ? quotient + 1n : quotient - 1n;
}

function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
