import { chmodSync, existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { makeDirectory } from '../../base/make-directory.ts';
import { failStack } from '../errors.ts';
import { findMarked } from '../processes/marked.ts';
import { layoutOf, type StackLayout } from './layout.ts';
import { emptyRecord, readRecord, writeRecord } from './record.ts';

/**
 * Makes the state directory, or enters one that an earlier stack made. A directory with
 * other people's files is refused: nothing that is not ours is ever written over.
 *
 * @throws MeridianError `state_directory_foreign`, or `state_directory_unusable` when it
 *   cannot be made or written; both name it.
 */
export function openStateDirectory(path: string): StackLayout {
  const directory = enterDirectory(resolve(path));
  const layout = layoutOf(directory);
  try {
    if (statSync(directory).uid !== process.getuid?.()) foreign(directory, 'is of another user');
    claimDirectory(layout);
    chmodSync(directory, 0o700); // Also finds a read-only file system, to root too.
  } catch (error) {
    if (error instanceof MeridianError) throw error;
    return unusable(directory, reason(error), error);
  }
  return layout;
}

function enterDirectory(path: string): string {
  try {
    makeDirectory(path);
    if (!statSync(path).isDirectory()) return unusable(path, 'a file is in the way');
    return realpathSync(path);
  } catch (error) {
    if (error instanceof MeridianError) throw error;
    return unusable(path, reason(error), error);
  }
}

/** A record of ours, or nothing at all, must be there; then a record is. */
function claimDirectory(layout: StackLayout): void {
  let record: unknown;
  try {
    record = readRecord(layout.record);
  } catch {
    foreign(layout.directory, `has a stack.json that is not of a Meridian stack${advice(layout)}`);
  }
  if (record) return;
  const [entry] = readdirSync(layout.directory);
  if (entry !== undefined) {
    foreign(layout.directory, `is not the state of a stack and not empty (it has "${entry}")`);
  }
  writeRecord(layout.record, emptyRecord(layout.socket));
}

/** Where a stack of ours had been, what ends the rest of it. */
function advice(layout: StackLayout): string {
  if (!existsSync(layout.token) && findMarked(layout.directory).length === 0) return '';
  return `; \`meridian down --force --state ${layout.directory}\` ends what a stack left there and sets that file aside`;
}

function foreign(directory: string, why: string): never {
  return failStack('state_directory_foreign', `${directory} ${why}; name another with --state DIR`);
}

/** For an error of the system in the midst of work on the directory: a full disk, most often. */
export function explainUnusable(directory: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  try {
    return unusable(directory, reason(error), error);
  } catch (explained) {
    return explained;
  }
}

function unusable(directory: string, why: string, cause?: unknown): never {
  return failStack(
    'state_directory_unusable',
    `cannot use ${directory} as state directory: ${why}; name another with --state DIR`,
    { cause },
  );
}

/**
 * What stands in the way of a path, as a sentence; for a code that says nothing to people
 * the message of the system.
 */
export function reason(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'nothing can be made there';
    case 'ENAMETOOLONG':
      return 'the path is too long';
    case 'ELOOP':
      return 'its links lead in a circle';
    case 'EINVAL':
      return 'the file system does not take such a file';
    case 'EDQUOT':
      return 'the quota of this user is used up';
    case 'EROFS':
      return 'the file system is read-only';
    case 'EACCES':
    case 'EPERM':
      return 'this user may not write there';
    case 'ENOTDIR':
      return 'a file is in the way';
    case 'ENOSPC':
      return 'no space is left';
    default:
      return messageOf(error);
  }
}
