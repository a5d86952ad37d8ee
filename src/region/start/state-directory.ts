import { realpathSync, statSync } from 'node:fs';
import { MeridianError, messageOf } from '../../base/errors.ts';
import { type ExclusiveLock, takeExclusiveLock } from '../../base/exclusive-lock.ts';
import { makeDirectory } from '../../base/make-directory.ts';

export type StateDirectoryErrorCode = 'state_directory_unusable' | 'state_directory_in_use';

/** Write access of the group and of everyone. */
const writableByOthers = 0o022;

/**
 * Makes the state directory of a node where it is missing (mode 0700) and takes it for this
 * process. What lies in it is believed at the next start, private keys included: so a
 * directory that others own or may write to is refused.
 *
 * @throws MeridianError `state_directory_unusable`, or `state_directory_in_use` while
 *   another node runs with it; both name it.
 */
export async function takeStateDirectory(path: string): Promise<ExclusiveLock> {
  const directory = enter(path);
  const lock = await takeExclusiveLock(`node:${directory}`);
  if (lock) return lock;
  throw new MeridianError<StateDirectoryErrorCode>(
    'state_directory_in_use',
    `another node runs with the state directory ${path}`,
  );
}

/** Returns its one true path. */
function enter(path: string): string {
  try {
    makeDirectory(path);
    const { mode, uid } = statSync(path);
    const fault = faultOf(path, mode, uid);
    if (fault === undefined) return realpathSync(path);
    throw new Error(fault);
  } catch (cause) {
    throw new MeridianError<StateDirectoryErrorCode>(
      'state_directory_unusable',
      `cannot use ${path} as state directory: ${messageOf(cause)}`,
      { cause },
    );
  }
}

function faultOf(path: string, mode: number, uid: number): string | undefined {
  if ((mode & 0o170000) !== 0o040000) return 'it is not a directory';
  const user = process.getuid?.();
  if (user !== undefined && uid !== user) {
    return `user ${uid} owns it, and this is user ${user}; name another with --state DIR`;
  }
  if ((mode & writableByOthers) === 0) return undefined;
  return `other users may write to it; \`chmod 700 ${path}\` ends that`;
}
