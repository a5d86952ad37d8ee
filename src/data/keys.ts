import { dataError } from './errors.ts';

/** Words that are safe as tokens of a NATS subject. */
const key = /^[A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*$/;
const prefix = /^([A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*\.?)?$/;
const maximumKeyBytes = 256;

/** @throws {DataError} `key_invalid` */
export function checkKey(text: string): void {
  if (text.length <= maximumKeyBytes && key.test(text)) return;
  throw dataError(
    'key_invalid',
    `${shown(text)} is not a key: expected words of A-Z, a-z, 0-9, "_", "=", "/" and "-" joined by dots, at most ${maximumKeyBytes} characters`,
  );
}

/** @throws {DataError} `key_invalid` */
export function checkPrefix(text: string): void {
  if (text.length <= maximumKeyBytes && prefix.test(text)) return;
  throw dataError('key_invalid', `${shown(text)} is not the start of a key`);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
