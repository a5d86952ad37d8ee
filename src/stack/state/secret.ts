import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync } from 'node:fs';
import { replaceFile } from './private-file.ts';

/** Makes a secret of 256 bits on first start, for its owner only, and keeps it. */
export function keepSecret(path: string): string {
  const kept = readSecret(path);
  const secret = kept ?? randomBytes(32).toString('base64url');
  if (kept === undefined) replaceFile(path, `${secret}\n`);
  else chmodSync(path, 0o600);
  return secret;
}

function readSecret(path: string): string | undefined {
  try {
    return /^([A-Za-z0-9_-]{43})\s*$/.exec(readFileSync(path, 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}
