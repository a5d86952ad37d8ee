import { createHash } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import type { Snapshot } from './snapshot.ts';

/*
 * What is saved of a hub. A stream counts as saved when its head is there, which is written last:
 *
 *   DIR/  NAME.stream   content, in the server's own format
 *         NAME.json     name, config, state, digest of its messages, size and digest of the content
 */

const partBytes = 128 * 1_024;
/** What a stream may be called, and so a file. */
export const streamName = /^[A-Za-z0-9_-]{1,120}$/;

const headSchema = z.object({
  name: z.string().regex(streamName),
  config: z.looseObject({ num_replicas: z.number().int() }),
  state: z.looseObject({ messages: z.number().int(), last_seq: z.number().int() }),
  digest: z.string().optional(),
  content: z.object({ bytes: z.number().int(), sha256: z.string() }).optional(),
});

/** What stands in `NAME.json`. */
export interface SavedHead extends Snapshot {
  /** As of `digestOf`. */
  readonly digest?: string | undefined;
  /** Of `NAME.stream`. What was saved by an earlier version has none. */
  readonly content?: ContentProof | undefined;
}

interface ContentProof {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export function contentPath(folder: string, name: string): string {
  return join(folder, `${name}.stream`);
}

/** The content of a stream as it is written to an open file, from its begin. */
export class SavedContent {
  readonly #file: number;
  readonly #hash = createHash('sha256');
  #bytes = 0;

  constructor(file: number) {
    this.#file = file;
  }

  add(part: Uint8Array): void {
    this.#hash.update(part);
    for (let at = 0; at < part.length; ) {
      at += writeSync(this.#file, part, at, part.length - at, this.#bytes + at);
    }
    this.#bytes += part.length;
  }

  /** Once, after its last part. */
  proof(): ContentProof {
    return { bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}

/** Says that all of the content is there: when that is on disk. */
export function keepHead(folder: string, content: number, head: SavedHead): void {
  fsyncSync(content);
  const unfinished = join(folder, `.${head.name}.json`);
  writeFileSync(unfinished, `${JSON.stringify(head)}\n`, { mode: 0o600, flush: true });
  renameSync(unfinished, join(folder, `${head.name}.json`));
}

/** @throws {MeridianError} `save_failed` */
export function readHeads(folder: string): SavedHead[] {
  try {
    const files = readdirSync(folder).sort();
    const heads = files
      .filter((file) => file.endsWith('.json') && !file.startsWith('.'))
      .map((file) => headSchema.parse(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
    const whole = new Set(heads.map(({ name }) => `${name}.stream`));
    const half = files.find((file) => file.endsWith('.stream') && !whole.has(file));
    if (half !== undefined) failSave(`${join(folder, half)} was not saved to its end`);
    if (heads.length === 0) failSave(`${folder} holds no saved bucket`);
    return heads;
  } catch (error) {
    if (codeOf(error) === 'save_failed') throw error;
    return failSave(`${folder} cannot be read as a saved store: ${messageOf(error)}`);
  }
}

/**
 * Reads all content to its end. What has no proof is only readable then.
 *
 * @throws {MeridianError} `save_failed`: a file is not what was written
 */
export function checkContent(folder: string, heads: readonly SavedHead[]): void {
  for (const { name, content } of heads) {
    const path = contentPath(folder, name);
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for (const part of partsOf(path)) {
        hash.update(part);
        bytes += part.length;
      }
    } catch (error) {
      failSave(`${path} cannot be read: ${messageOf(error)}`);
    }
    const damage = content && damageOf(content, { bytes, sha256: hash.digest('hex') });
    if (damage !== undefined) failSave(`${path} is damaged: ${damage}`);
  }
}

function damageOf(saved: ContentProof, found: ContentProof): string | undefined {
  if (found.bytes !== saved.bytes) return `${found.bytes} bytes of ${saved.bytes} saved`;
  return found.sha256 === saved.sha256 ? undefined : 'other content than was saved';
}

export function* partsOf(path: string): Generator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const part = Buffer.alloc(partBytes);
      const bytes = readSync(file, part);
      if (bytes === 0) return;
      yield part.subarray(0, bytes);
    }
  } finally {
    closeSync(file);
  }
}

export function failSave(message: string): never {
  throw new MeridianError('save_failed', message);
}
