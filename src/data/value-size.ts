import { dataError } from './errors.ts';

/** @throws {DataError} `value_too_large`, naming the place: `ledger/account.7` */
export function checkSize(value: Uint8Array, maximumBytes: number, place: string): void {
  if (value.byteLength <= maximumBytes) return;
  throw dataError(
    'value_too_large',
    `${place} would have ${value.byteLength} bytes; at most ${maximumBytes} may be`,
  );
}
