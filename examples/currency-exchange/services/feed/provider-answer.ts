import { type Currency, currencies, isCurrency } from '../money/currency.ts';
import { Decimal } from '../money/decimal.ts';

/** Rates beyond these are a mistake of the provider, not a market. */
const lowest = Decimal.parse('0.000001')!;
const highest = Decimal.parse('1000000')!;

/** An answer of a provider that cannot be trusted; the message says why. */
export class ProviderError extends Error {}

/**
 * Reads `{ "base": "EUR", "rates": { "USD": 1.0712, "JPY": "167.21", … } }`, the form that most
 * providers share. Other members and currencies that we do not know are ignored; anything wrong
 * with one that we know refuses the whole, as nobody should trade on the rest of such an answer.
 *
 * Throws `ProviderError`.
 */
export function readProviderAnswer(text: string): {
  pivot: Currency;
  perPivot: Map<Currency, Decimal>;
} {
  const answer = parseObject(text);
  const pivot = member(answer, 'base');
  if (typeof pivot !== 'string' || !isCurrency(pivot)) refuse('its base is no known currency');
  const rates = member(answer, 'rates');
  if (!isObject(rates)) refuse('it has no rates');
  const perPivot = new Map<Currency, Decimal>([[pivot, new Decimal(1n)]]);
  for (const currency of currencies) {
    const given = member(rates, currency);
    if (given !== undefined) perPivot.set(currency, readRate(currency, given));
  }
  if (perPivot.get(pivot)!.compare(new Decimal(1n)) !== 0) refuse('its base is not worth 1');
  if (perPivot.size < 2) refuse('it holds no rate of a known currency');
  return { pivot, perPivot };
}

/** The shortest text of a JSON number gives back the digits that were sent, up to 15 of them. */
function readRate(currency: Currency, given: unknown): Decimal {
  const isText = typeof given === 'string' || typeof given === 'number';
  const rate = isText ? Decimal.parse(String(given)) : undefined;
  if (!rate || rate.compare(lowest) < 0 || rate.compare(highest) > 0) {
    refuse(`its rate of ${currency} is not plausible`);
  }
  return rate;
}

function parseObject(text: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    refuse('it is not JSON');
  }
  return refuse('it is not a JSON object');
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Own members only: `__proto__` or `constructor` must not find what every object inherits. */
function member(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}

function refuse(reason: string): never {
  throw new ProviderError(`the provider's answer is refused: ${reason}`);
}
