import { chmodSync, renameSync, writeFileSync } from 'node:fs';

/**
 * Replaces a file whole: readers see the old or the new text, never a part. Synchronous,
 * so that what is recorded and what happened cannot change their order.
 */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  const temporary = `${path}.${process.pid}.new`;
  writeFileSync(temporary, text, { mode });
  chmodSync(temporary, mode); // A file left by a crash keeps its mode when written again.
  renameSync(temporary, path);
}
