import { refuse } from './problems.ts';

const word = '[A-Za-z0-9_=/-]';
const keyPattern = new RegExp(`^${word}+(\\.${word}+)*$`);
const prefixPattern = new RegExp(`^(${word}+\\.)*${word}*$`);
const mostBytes = 256;

export function isKey(text: string): boolean {
  return text.length <= mostBytes && keyPattern.test(text);
}

/** A key as it stands in a path, decoded once. @throws MeridianError `key_invalid` */
export function keyOfPath(encoded: string): string {
  let key: string;
  try {
    key = decodeURIComponent(encoded);
  } catch {
    return refuse('key_invalid', 'the path has a "%" that is not followed by UTF-8 in hexadecimal');
  }
  return checkedKey(key);
}

/** @throws MeridianError `key_invalid` */
export function checkedKey(key: string): string {
  if (isKey(key)) return key;
  const shown = JSON.stringify(key.length > 80 ? `${key.slice(0, 80).toWellFormed()}…` : key);
  return refuse(
    'key_invalid',
    `${shown} is no key: expected words of A-Za-z0-9_=/- joined by dots, at most 256 bytes`,
  );
}

/** What keys may begin with. @throws MeridianError `key_invalid` */
export function checkedPrefix(prefix: string): string {
  if (prefix.length <= mostBytes && prefixPattern.test(prefix)) return prefix;
  return refuse('key_invalid', 'no key begins with that prefix');
}
