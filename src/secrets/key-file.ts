import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { MeridianError, messageOf } from '../base/errors.ts';
import { fail } from './secret-error.ts';

const maximumBytes = 64 * 1024;

/**
 * The text of a file with outer keys.
 *
 * @throws SecretError `secret_key_unreadable`
 */
export function readKeyFile(path: string): string {
  let file: number | undefined;
  try {
    // NONBLOCK: a pipe that nobody writes to is refused, not waited for.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const refusal = refuse(fstatSync(file));
    if (refusal !== undefined) return unusable(path, refusal);
    return readBounded(file) ?? unusable(path, `it has more than ${maximumBytes} bytes`);
  } catch (error) {
    if (error instanceof MeridianError) throw error;
    return unusable(path, messageOf(error), error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * As ssh does with private keys: nobody but the owner may have any right on a file of our
 * own. On one of another user (root, where systemd or Kubernetes hands the file over to a
 * group) at least those outside of the group may have none.
 */
function refuse(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'it is not a regular file';
  const self = process.getuid?.();
  if (self === undefined) return undefined; // Windows: the mode says nothing.
  const others = stats.uid === self ? 0o077 : 0o007;
  if ((stats.mode & others) === 0) return undefined;
  const mode = (stats.mode & 0o777).toString(8).padStart(4, '0');
  return `its mode ${mode} lets others at it; make it 0600`;
}

function readBounded(file: number): string | undefined {
  const bytes = Buffer.alloc(maximumBytes + 1);
  let length = 0;
  for (let read = -1; read !== 0; ) {
    read = readSync(file, bytes, length, bytes.length - length, null);
    length += read;
  }
  const text = length > maximumBytes ? undefined : bytes.toString('utf8', 0, length);
  bytes.fill(0);
  return text;
}

function unusable(path: string, why: string, cause?: unknown): never {
  return fail('secret_key_unreadable', `cannot use ${path} for the outer keys: ${why}`, { cause });
}
