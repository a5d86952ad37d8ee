/** Decimals of the smallest unit of each currency that the exchange knows (ISO 4217). */
const minorUnits = {
  AUD: 2,
  BHD: 3,
  BRL: 2,
  CAD: 2,
  CHF: 2,
  CNY: 2,
  CZK: 2,
  DKK: 2,
  EUR: 2,
  GBP: 2,
  HKD: 2,
  INR: 2,
  ISK: 0,
  JPY: 0,
  KRW: 0,
  KWD: 3,
  MXN: 2,
  NOK: 2,
  NZD: 2,
  PLN: 2,
  SEK: 2,
  SGD: 2,
  TND: 3,
  USD: 2,
  ZAR: 2,
} as const;

/** A code of ISO 4217, in upper case. */
export type Currency = keyof typeof minorUnits;

export const currencies = Object.keys(minorUnits) as readonly Currency[];

export function isCurrency(text: string): text is Currency {
  return Object.hasOwn(minorUnits, text);
}

/** 2 for EUR (cents), 0 for JPY, 3 for KWD (fils). */
export function minorUnitsOf(currency: Currency): number {
  return minorUnits[currency];
}
