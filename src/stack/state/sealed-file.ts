import { existsSync, readFileSync } from 'node:fs';
import { codeOf } from '../../base/errors.ts';
import { KeyRing, loadKeyRing } from '../../secrets/key-ring.ts';
import { isSealed, openText, sealText, secretFileContext } from '../../secrets/sealed-text.ts';
import { inPlace } from '../../secrets/secret-error.ts';
import { failStack } from '../errors.ts';
import type { StackLayout } from './layout.ts';
import { replaceFile } from './private-file.ts';

/**
 * The outer keys of a stack, made on first start. A new first line in `secret-key` seals
 * everything anew at the next start; the lines below it may then be taken out.
 *
 * @throws MeridianError `secret_key_missing` when the file is gone and what it sealed is
 *   not: a new one would open none of it, nor the secrets in the store. SecretError as
 *   `loadKeyRing`.
 */
export function keepKeyRing(layout: StackLayout): KeyRing {
  const { secretKey: path, storeSecret, authority } = layout;
  if (!existsSync(path)) {
    const sealed = [storeSecret, `${authority}/ca-key.pem`].find((file) =>
      isSealed(readText(file) ?? ''),
    );
    if (sealed !== undefined) {
      failStack(
        'secret_key_missing',
        `${path} is missing, and ${sealed} is sealed with it: put it back, or begin in another directory (--state)`,
      );
    }
    replaceFile(path, KeyRing.generate());
  }
  return loadKeyRing({ path })!;
}

/**
 * Opens a file that a stack sealed, or reads one that an older version wrote in clear.
 * Undefined where there is none, or only a damaged one.
 *
 * @throws SecretError `secret_key_wrong` that names the file.
 */
export function readSealed(path: string, ring: KeyRing): string | undefined {
  const text = readText(path);
  if (text === undefined || !isSealed(text)) return text;
  try {
    return openText(ring, text, secretFileContext);
  } catch (error) {
    if (codeOf(error) === 'secret_damaged') return undefined;
    throw inPlace(path, error);
  }
}

/** Replaces a file whole, for its owner only. */
export function writeSealed(path: string, ring: KeyRing, text: string): void {
  replaceFile(path, sealText(ring, text, secretFileContext));
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
