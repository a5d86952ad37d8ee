import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import type { KeyRing } from '../../secrets/key-ring.ts';
import { replaceFile } from './private-file.ts';
import { readSealed, writeSealed } from './sealed-file.ts';

/** Makes a secret of 256 bits on first start, for its owner only, and keeps it. */
export function keepSecret(path: string): string {
  const kept = wellFormed(readText(path));
  const secret = kept ?? newSecret();
  if (kept === undefined) replaceFile(path, `${secret}\n`);
  else chmodSync(path, 0o600);
  return secret;
}

/** The same in a sealed file, which is sealed anew by the key that is the first now. */
export function keepSealedSecret(path: string, ring: KeyRing): string {
  const secret = wellFormed(readSealed(path, ring)) ?? newSecret();
  writeSealed(path, ring, `${secret}\n`);
  return secret;
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function wellFormed(text: string | undefined): string | undefined {
  return /^([A-Za-z0-9_-]{43})\s*$/.exec(text ?? '')?.[1];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
