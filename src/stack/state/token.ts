import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { replaceFile } from './private-file.ts';

/** Makes the secret of changes through the admin API on first start, and keeps it. */
export function keepToken(path: string): void {
  if (hasToken(path)) chmodSync(path, 0o600);
  else replaceFile(path, `${randomBytes(32).toString('base64url')}\n`);
}

function hasToken(path: string): boolean {
  try {
    return /^[A-Za-z0-9_-]{43}\s*$/.test(readFileSync(path, 'utf8'));
  } catch {
    return false;
  }
}
