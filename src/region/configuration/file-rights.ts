import { type FileHandle, statfs } from 'node:fs/promises';

/** What is known of a file with a key: its mode, and in which way it came here. */
export interface FileRights {
  readonly mode: number;
  /** Of the user of this process. */
  readonly isOwn: boolean;
  /** On a file system in memory: what Kubernetes, Docker and systemd put secrets on. */
  readonly isInMemory: boolean;
}

/** tmpfs and ramfs, as statfs(2) has them. */
const memoryFileSystems: ReadonlySet<bigint> = new Set([0x0102_1994n, 0x8584_58f6n]);

/** `undefined`: modes say nothing here, as on Windows. */
export async function rightsOf(file: FileHandle, path: string): Promise<FileRights | undefined> {
  const self = process.getuid?.();
  if (self === undefined) return undefined;
  const { mode, uid } = await file.stat();
  const { type } = await statfs(path, { bigint: true });
  return { mode, isOwn: uid === self, isInMemory: memoryFileSystems.has(BigInt.asUintN(32, type)) };
}

/** Why nothing of it is believed: whoever writes it says who the node is, and whom it trusts. */
export function refusalOf({ mode }: FileRights): string | undefined {
  return (mode & 0o002) === 0 ? undefined : `its mode ${octal(mode)} lets everybody write it`;
}

/**
 * Who else may read a key. Of a file of our own nobody may, as ssh has it; one of another user may be
 * for a group. Not judged in memory: there the mode is that of who mounted it, 0644 with Kubernetes and
 * 0444 with Docker, and those who might read it are in the same container.
 */
export function exposureOf({ mode, isOwn, isInMemory }: FileRights): string | undefined {
  const others = isOwn ? 0o077 : 0o007;
  if (isInMemory || (mode & others) === 0) return undefined;
  return `its mode ${octal(mode)} lets ${(mode & 0o007) === 0 ? 'its group' : 'everybody'} at it`;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
