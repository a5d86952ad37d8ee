import { codeOf } from '../../base/errors.ts';
import { checkKey } from '../keys.ts';
import { refuse } from './problems.ts';

/**
 * Where a list goes on, in one word that says nothing to its holder: the last key that was
 * told, in base64url, after the version of this form.
 */
const version = '1';

export function listCursor(lastKey: string): string {
  return version + Buffer.from(lastKey).toString('base64url');
}

/** The key after which it goes on. @throws MeridianError `cursor_invalid` */
export function keyOfCursor(cursor: string, prefix: string): string {
  const key = Buffer.from(cursor.slice(version.length), 'base64url').toString();
  if (isKey(key) && listCursor(key) === cursor && key.startsWith(prefix)) return key;
  return refuse('cursor_invalid', 'that cursor was never given for a list with this prefix');
}

function isKey(text: string): boolean {
  try {
    checkKey(text);
    return true;
  } catch (error) {
    if (codeOf(error) === 'key_invalid') return false;
    throw error;
  }
}
