import { isUtf8 } from 'node:buffer';
import { ConfigError } from './config-error.ts';

/** About 100,000 routes; more would hold the main thread for many seconds. */
export const maximumFileBytes = 16 * 1_024 * 1_024;

/**
 * UTF-8 with or without a byte order mark → text.
 *
 * @throws ConfigError `config_invalid` that names the first line which is not UTF-8.
 */
export function decodeText(bytes: Buffer, file: string): string {
  if (isUtf8(bytes)) return new TextDecoder('utf-8').decode(bytes);
  const [first, second] = bytes;
  const utf16 = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  const line = utf16 ? 1 : firstBadLine(bytes);
  const message = utf16 ? 'expected UTF-8, got UTF-16' : 'expected UTF-8, got other bytes';
  throw new ConfigError('config_invalid', [{ file, line, column: 1, path: '', message }]);
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    start = end + 1;
  }
  return line;
}
