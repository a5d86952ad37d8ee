import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const sizeMiB = 96;

/** Why no file system can be mounted here, or `false`: that takes root, and a kernel's leave. */
export function mountMissing(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-mount-'));
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  if (status === 0) execFileSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return status === 0 ? false : 'no right to mount a small file system';
}

/** Small file systems of their own for tests to fill. */
export class SmallDisks {
  readonly #folders: string[] = [];

  constructor() {
    // A mount outlives its maker, however that ends.
    process.once('exit', () => this.close());
  }

  mount(folder: string): void {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder]);
    this.#folders.push(folder);
  }

  fill(folder: string, isFull: boolean): void {
    const filler = join(folder, 'filler');
    rmSync(filler, { force: true });
    try {
      for (let i = 0; isFull && i < sizeMiB * 256; i++) writeFileSync(filler, page, { flag: 'a' });
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
    }
  }

  close(): void {
    for (const folder of this.#folders.splice(0)) execFileSync('umount', ['-l', folder]);
  }
}

const page = new Uint8Array(4_096);
