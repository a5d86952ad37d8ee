import { open } from 'node:fs/promises';
import { MeridianError, messageOf } from '../base/errors.ts';
import { type Envelope, openEnvelope, parseEnvelope, rewrap, seal } from './envelope.ts';
import type { KeyRing } from './key-ring.ts';
import { fail, inPlace } from './secret-error.ts';

/**
 * A file that is sealed whole, so that a plain one can be told from it by its first line:
 *
 *   meridian-sealed 1
 *   {"version":1,"outerKey":…}
 */
const mark = 'meridian-sealed ';
const firstLine = `${mark}1\n`;

/** A larger file is not read, whatever it holds. */
export const maximumSecretFileBytes = 1024 * 1024;

/** The context of files that operators seal with `meridian secret seal`. */
export const secretFileContext = 'file';

/** @throws SecretError `secret_value_invalid` for a text that UTF-8 cannot hold */
export function sealText(ring: KeyRing, text: string, context: string): string {
  if (!text.isWellFormed()) fail('secret_value_invalid', `${context} is not well-formed text`);
  const plaintext = Buffer.from(text);
  const envelope = seal(ring, plaintext, context);
  plaintext.fill(0);
  return textOf(envelope);
}

/** By its first word: `openText` says whether it can be opened. */
export function isSealed(text: string): boolean {
  return text.startsWith(mark);
}

/**
 * Opens what `sealText` made. A text that is not sealed is refused: where one must be
 * sealed, nobody can put a plain one in its place.
 *
 * @throws SecretError `secret_key_missing`, `secret_key_wrong`, `secret_damaged`
 */
export function openText(ring: KeyRing | undefined, text: string, context: string): string {
  const plaintext = openEnvelope(ring, envelopeOf(text, context), context);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plaintext);
  } catch {
    return fail('secret_damaged', `${context} is damaged: its content is no text`);
  } finally {
    plaintext.fill(0);
  }
}

/**
 * The same content under the current outer key.
 *
 * @throws SecretError `secret_key_wrong`, `secret_damaged`
 */
export function rewrapText(ring: KeyRing, text: string, context: string): string {
  return textOf(rewrap(ring, parseEnvelope(envelopeOf(text, context), context), context));
}

/**
 * Reads a file that holds one secret, plain or sealed.
 *
 * @throws SecretError `secret_file_unreadable`, and those of `openText`; all name the file.
 */
export async function readSecretFile(
  path: string,
  ring: KeyRing | undefined,
  context: string = secretFileContext,
): Promise<string> {
  const text = await readBounded(path);
  if (!isSealed(text)) return text;
  try {
    return openText(ring, text, context);
  } catch (error) {
    throw inPlace(path, error);
  }
}

async function readBounded(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of file.createReadStream({ end: maximumSecretFileBytes })) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
    if (bytes <= maximumSecretFileBytes) return Buffer.concat(chunks).toString('utf8');
    return fail(
      'secret_file_unreadable',
      `${path} is too large for a secret: more than ${maximumSecretFileBytes} bytes`,
    );
  } catch (cause) {
    if (cause instanceof MeridianError) throw cause;
    return fail('secret_file_unreadable', `cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

function textOf(envelope: Envelope): string {
  return `${firstLine}${JSON.stringify(envelope)}\n`;
}

function envelopeOf(text: string, context: string): unknown {
  if (!text.startsWith(firstLine)) {
    const why = isSealed(text)
      ? 'it is sealed in a form that this program does not know'
      : 'it is not sealed';
    fail('secret_damaged', `${context} cannot be opened: ${why}`);
  }
  try {
    return JSON.parse(text.slice(firstLine.length));
  } catch {
    return fail('secret_damaged', `${context} is damaged: it is no envelope`);
  }
}
