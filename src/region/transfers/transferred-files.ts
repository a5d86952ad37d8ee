import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, messageOf } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import type { KeptZone } from '../../dns/transfer/secondary-zone.ts';
import { readTransferredZone } from '../../dns/transfer/transferred-zone.ts';
import { imageLimits } from '../../dns/transfer/zone-image.ts';
import { parseName } from '../../dns/wire/name.ts';
import { soa, soaNumbers } from '../../dns/wire/records/soa.ts';
import type { Log } from '../../observability/log.ts';
import { syncDirectory, writeDurably } from '../start/durable-file.ts';

const formatVersion = 1;
const headerPattern = /^meridian-zone (\d+) sha256=([0-9a-f]{64}) bytes=(\d+) records=(\d+)\n/;
const headerBytes = 200;
const suffix = '.transferred';
const sliceMs = 5;
const plainName = /^[\w-][\w.-]{0,199}$/;

/**
 * Zones that came from elsewhere, on disk for a restart: `zones/NAME.transferred` in the state
 * directory (above 200 characters, or with others than those of host names: the SHA-256 of the name in
 * its place), replaced whole. One line of text, then the image:
 *
 *   meridian-zone 1 sha256=<64 hex> bytes=<length> records=<count>⏎…
 *
 * Its time of modification is when a primary last said that it is the newest.
 */
export class TransferredFiles {
  readonly #folder: string;
  readonly #log: Log;
  #writing: Promise<void> = Promise.resolve();
  #trouble: string | undefined;

  constructor(stateDirectory: string, log: Log) {
    this.#folder = join(stateDirectory, 'zones');
    this.#log = log;
  }

  /** Why the disk does not hold what is served, a sentence. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** One after the other; never rejects. `isNew`: not only its time. */
  keep(name: string, kept: KeptZone, isNew: boolean): void {
    this.#writing = this.#writing.then(async () => {
      try {
        const path = this.#pathOf(name);
        if (isNew) await this.#write(path, kept);
        const seconds = kept.confirmedAtMs / 1_000;
        await utimes(path, seconds, seconds);
        this.#trouble = undefined;
      } catch (error) {
        const trouble = `the zone ${name} could not be written to disk: ${messageOf(error)}`;
        if (trouble !== this.#trouble) this.#log.error(trouble);
        this.#trouble = trouble;
      }
    });
  }

  /** What is there of these zones. What is damaged counts as not there. */
  async read(names: readonly string[]): Promise<ReadonlyMap<string, KeptZone>> {
    const kept = new Map<string, KeptZone>();
    for (const name of names) {
      try {
        kept.set(name, await this.#read(name));
      } catch (error) {
        if (codeOf(error) === 'ENOENT') continue;
        const reason = messageOf(error);
        this.#log.warn('a transferred zone on disk cannot be used', { zone: name, reason });
      }
    }
    return kept;
  }

  /** Removes files of other zones. */
  async removeOthers(names: readonly string[]): Promise<void> {
    const wanted = new Set(names.map(fileOf));
    const there = await readdir(this.#folder).catch(() => []);
    for (const file of there) {
      if (wanted.has(file) || !file.includes(suffix)) continue;
      await rm(join(this.#folder, file), { force: true }).catch(() => undefined);
    }
  }

  async close(): Promise<void> {
    await this.#writing;
  }

  #pathOf(name: string): string {
    return join(this.#folder, fileOf(name));
  }

  async #write(path: string, { image }: KeptZone): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const { bytes, records } = image;
    const hash = digest(bytes);
    const header = `meridian-zone ${formatVersion} sha256=${hash} bytes=${bytes.length} records=${records}\n`;
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      await writeDurably(temporary, [Buffer.from(header), bytes]);
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncDirectory(this.#folder);
  }

  async #read(name: string): Promise<KeptZone> {
    const file = await open(this.#pathOf(name), 'r');
    try {
      const { size, mtimeMs } = await file.stat();
      if (size > imageLimits.bytes + headerBytes) throw new Error('it is too large');
      const whole = Buffer.alloc(size);
      await file.read(whole, 0, size, 0);
      const header = headerPattern.exec(whole.toString('latin1', 0, headerBytes));
      if (Number(header?.[1]) !== formatVersion) throw new Error('it is of another format');
      const body = whole.subarray(header![0].length);
      const isWhole = body.length === Number(header![3]) && digest(body) === header![2];
      if (!isWhole) throw new Error('it is torn, or was altered');
      const bytes = new Uint8Array(new SharedArrayBuffer(body.length));
      bytes.set(body);
      const records = Number(header![4]);
      // Believed as little as what comes over the wire.
      const zone = await inSlices(readTransferredZone(parseName(name), { bytes }), sliceMs);
      const [data] = zone.nodes.get(zone.apex.key)!.find(({ type }) => type === soa.code)!.records;
      return { image: { bytes, records, soa: soaNumbers(data!) }, confirmedAtMs: mtimeMs };
    } finally {
      await file.close();
    }
  }
}

/** A name may be longer than one of a file, or have what is none of a file. */
function fileOf(name: string): string {
  return (plainName.test(name) ? name : digest(Buffer.from(name))) + suffix;
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
