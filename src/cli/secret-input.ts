import { createReadStream } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { MeridianError, messageOf } from '../base/errors.ts';

/** Where a secret is read from: `--file`, else the standard input. */
export interface InputOptions {
  readonly file?: string;
}

/**
 * All bytes of the file or of the standard input, exactly as they are.
 *
 * @throws InvalidArgumentError where a person would have to type the secret in plain sight;
 *   MeridianError `input_unreadable`, `input_too_large`
 */
export async function readInput({ file }: InputOptions, maximumBytes: number): Promise<Buffer> {
  if (file === undefined && process.stdin.isTTY) {
    throw new InvalidArgumentError('name a --file, or give the value on the standard input');
  }
  const place = file ?? 'the standard input';
  const stream = file === undefined ? process.stdin : createReadStream(file, { end: maximumBytes });
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > maximumBytes) break;
    }
  } catch (cause) {
    const message = `cannot read ${place}: ${messageOf(cause)}`;
    throw new MeridianError('input_unreadable', message, { cause });
  }
  if (bytes > maximumBytes) {
    const message = `${place} holds more than ${maximumBytes} bytes, too many for a secret`;
    throw new MeridianError('input_too_large', message);
  }
  return Buffer.concat(chunks);
}
