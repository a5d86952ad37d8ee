import { checkKey } from '../keys.ts';
import { refuse } from './problems.ts';

/** A key as it stands in a path, decoded once. @throws {DataError} `key_invalid` */
export function keyOfPath(encoded: string): string {
  let key: string;
  try {
    key = decodeURIComponent(encoded);
  } catch {
    return refuse('key_invalid', 'the path has a "%" that is not followed by UTF-8 in hexadecimal');
  }
  checkKey(key);
  return key;
}
