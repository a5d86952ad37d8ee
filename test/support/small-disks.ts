import { execFileSync, spawnSync } from 'node:child_process';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const sizeMiB = 96;
/** For what a server writes while its disk is being filled. */
const leftBlocks = 1_024;

/** Why no disk can be made here, or `false`: that takes root, and loop devices of the kernel. */
export function disksMissing(): string | false {
  const folder = mkdtempSync(join(tmpdir(), 'meridian-disk-'));
  const disks = new SmallDisks();
  try {
    disks.mount(join(folder, 'disk'));
    disks.losePower(join(folder, 'disk'));
    return false;
  } catch (error) {
    return `no right to make and mount a small disk: ${(error as Error).message.split('\n')[0]}`;
  } finally {
    disks.close();
    rmSync(folder, { recursive: true });
  }
}

/**
 * Small disks of their own for tests to fill, and to cut the power of: ext4 on an image in memory.
 *
 *   server ─ write ─▶ page cache of ext4 ─ fsync, or some seconds later ─▶ image
 *                          └ lost with the power                             └ stays
 */
export class SmallDisks {
  /** By folder, the one with its image. */
  readonly #images = new Map<string, string>();
  readonly #end = () => this.close();

  constructor() {
    // A mount outlives its maker, however that ends.
    process.once('exit', this.#end);
  }

  mount(folder: string): void {
    mkdirSync(folder, { recursive: true });
    const memory = `${folder}.image`;
    mkdirSync(memory);
    run('mount', '-t', 'tmpfs', '-o', `size=${sizeMiB + 1}m`, 'tmpfs', memory);
    this.#images.set(folder, memory);
    const image = join(memory, 'disk');
    closeSync(openSync(image, 'w'));
    truncateSync(image, sizeMiB * 1024 ** 2);
    run('mkfs.ext4', '-q', '-F', image);
    mountImage(folder, memory);
  }

  fill(folder: string, isFull: boolean): void {
    const filler = join(folder, 'filler');
    rmSync(filler, { force: true });
    if (isFull) {
      // Most of it at once. A server that writes meanwhile may leave less: then page by page.
      const { bavail, bsize } = statfsSync(folder);
      const bytes = (bavail - leftBlocks) * bsize;
      if (bytes > 0) spawnSync('fallocate', ['-l', String(bytes), filler]);
      writeUntilFull(filler);
    }
    sync(folder);
  }

  /**
   * What was written and not brought to the disk is gone, as if its machine had lost its power
   * now; nobody may have a file of it open. What the disk was told to keep it keeps: one that
   * lies about that is another matter.
   */
  losePower(folder: string): void {
    run('perl', '-e', shutDown, folder);
    run('umount', folder);
    mountImage(folder, this.#images.get(folder)!);
  }

  close(): void {
    process.off('exit', this.#end);
    for (const [folder, memory] of this.#images) {
      for (const mounted of [folder, memory]) spawnSync('umount', ['-l', mounted]);
    }
    this.#images.clear();
  }
}

/** The kernel's way to test crashes of file systems: nothing more is written, not even the journal. */
const shutDown = `
  open my $folder, '<', $ARGV[0] or die "$!";
  my $withoutJournal = pack 'L', 2;
  ioctl $folder, 0x8004587d, $withoutJournal or die "FS_IOC_SHUTDOWN: $!";`;

function mountImage(folder: string, memory: string): void {
  run('mount', '-t', 'ext4', '-o', 'loop', join(memory, 'disk'), folder);
}

function writeUntilFull(path: string): void {
  const file = openSync(path, 'a');
  const page = new Uint8Array(4_096);
  try {
    for (let i = 0; i < sizeMiB * 256; i++) writeSync(file, page);
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
}

/** The folder itself: what lies in it. */
function sync(folder: string): void {
  const file = openSync(folder, 'r');
  fsyncSync(file);
  closeSync(file);
}

function run(program: string, ...parameters: string[]): void {
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  execFileSync(program, parameters, { env: { ...process.env, PATH: path }, stdio: 'pipe' });
}
