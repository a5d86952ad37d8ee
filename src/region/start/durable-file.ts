import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Writes a file of the owner's only, and waits until the disk has it. Follows no link. */
export async function writeDurably(path: string, parts: readonly Uint8Array[]): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o600);
  try {
    await file.chmod(0o600);
    for (const part of parts) await file.writeFile(part);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Waits until the disk has the names in a directory. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
