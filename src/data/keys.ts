import { keyFault, prefixFault } from '../store/names.ts';
import { dataError } from './errors.ts';

/** Shorter than those of the store, which has room for regions and buckets before them. */
const maximumKeyBytes = 256;

/** @throws {DataError} `key_invalid` */
export function checkKey(text: string): void {
  const fault = keyFault(text, maximumKeyBytes);
  if (fault !== undefined) throw dataError('key_invalid', fault);
}

/** @throws {DataError} `key_invalid` */
export function checkPrefix(text: string): void {
  const fault = prefixFault(text, maximumKeyBytes);
  if (fault !== undefined) throw dataError('key_invalid', fault);
}
