import { storeError } from './errors.ts';
import { maximumValueBytes } from './store.ts';

/** Words of these characters joined by single dots are safe as tokens of a NATS subject. */
const key = /^[A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*$/;
const prefix = /^([A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*\.?)?$/;
const bucket = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const log = /^[a-z0-9][a-z0-9_-]{0,39}$/;
const maximumKeyBytes = 512;

/** Why a text is no key; `undefined`: it is one. */
export function keyFault(text: string, maximumBytes = maximumKeyBytes): string | undefined {
  if (text.length <= maximumBytes && key.test(text)) return undefined;
  return `${shown(text)} is not a key: expected words of A-Z, a-z, 0-9, "_", "=", "/" and "-" joined by dots, at most ${maximumBytes} characters`;
}

/** Why no key begins with a text; `undefined`: some may. */
export function prefixFault(text: string, maximumBytes = maximumKeyBytes): string | undefined {
  if (text.length <= maximumBytes && prefix.test(text)) return undefined;
  return `${shown(text)} is not the start of a key`;
}

/** @throws {StoreError} `invalid_key` */
export function checkKey(text: string): void {
  const fault = keyFault(text);
  if (fault !== undefined) throw storeError('invalid_key', fault);
}

/** @throws {StoreError} `invalid_key` */
export function checkPrefix(text: string): void {
  const fault = prefixFault(text);
  if (fault !== undefined) throw storeError('invalid_key', fault);
}

/** @throws {StoreError} `invalid_key` */
export function checkBucketName(text: string): void {
  if (bucket.test(text)) return;
  throw storeError(
    'invalid_key',
    `${shown(text)} is not a name for a bucket: expected 1 to 32 of a-z, 0-9 and "-", not at either end`,
  );
}

/** @throws {StoreError} `invalid_key` */
export function checkLogName(text: string): void {
  if (log.test(text)) return;
  throw storeError(
    'invalid_key',
    `${shown(text)} is not a name for a log: expected 1 to 40 of a-z, 0-9, "-" and "_"`,
  );
}

/** @throws {StoreError} `invalid_key` */
export function checkSubject(text: string): void {
  if (text.length <= maximumKeyBytes && key.test(text)) return;
  throw storeError('invalid_key', `${shown(text)} is not a subject of a signal`);
}

/** @throws {StoreError} `value_too_large` */
export function checkValue(value: Uint8Array, name: string): void {
  if (value.byteLength <= maximumValueBytes) return;
  throw storeError(
    'value_too_large',
    `the value of ${name} has ${value.byteLength} bytes; at most ${maximumValueBytes} fit: use objects()`,
  );
}

function shown(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
