import { createHash, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { isStoreError } from '../store/errors.ts';
import type { Bucket, ReadOptions } from '../store/store.ts';
import { fail, isRevisionError } from './errors.ts';
import { parseJson } from './fields.ts';
import { maximumContentBytes, partBytes } from './parse.ts';
import type { ContentRef } from './revision.ts';

/** Of a document as JSON, which a node holds in memory whole. */
export const maximumDocumentBytes = 64 * 1024 * 1024;
const parallelCalls = 8;

/** A document, packed. */
export interface PackedContent {
  readonly bytes: Uint8Array;
  readonly sha256: string;
}

/** @throws RevisionError `revision_too_large` */
export async function packContent(document: unknown): Promise<PackedContent> {
  const text = Buffer.from(JSON.stringify(document) ?? '');
  checkSize(text.length, 'as JSON', maximumDocumentBytes);
  const bytes = await promisify(gzip)(text);
  checkSize(bytes.length, 'gzipped', maximumContentBytes);
  return { bytes, sha256: digest(bytes) };
}

function checkSize(bytes: number, form: string, limit: number): void {
  if (bytes <= limit) return;
  const message = `the configuration has ${bytes} bytes ${form}, and ${limit} is the limit`;
  fail('revision_too_large', message);
}

/**
 * Documents in parts of the bucket: `part.NONCE.0`, `part.NONCE.1`, … Each writing takes a
 * nonce of its own, so parts are written once and never change.
 */
export class Contents {
  readonly #bucket: Bucket;

  constructor(bucket: Bucket) {
    this.#bucket = bucket;
  }

  async write({ bytes, sha256 }: PackedContent): Promise<ContentRef> {
    const nonce = randomBytes(12).toString('hex');
    const parts = Math.ceil(bytes.length / partBytes);
    await inParallel(parts, async (part) => {
      const value = bytes.subarray(part * partBytes, (part + 1) * partBytes);
      await this.#bucket.put(partKey(nonce, part), value);
    });
    return { nonce, parts, bytes: bytes.length, sha256 };
  }

  /**
   * From the region's replica; where that has not got it yet, from the leader.
   *
   * @throws RevisionError `revision_damaged`
   */
  async read(content: ContentRef, what: string): Promise<unknown> {
    try {
      return await this.#unpacked(content, what, 'replica');
    } catch (error) {
      if (!isRevisionError(error, 'revision_damaged')) throw error;
      return await this.#unpacked(content, what, 'leader').catch((again: unknown) => {
        throw isStoreError(again) ? error : again;
      });
    }
  }

  async #unpacked(
    content: ContentRef,
    what: string,
    from: NonNullable<ReadOptions['from']>,
  ): Promise<unknown> {
    const bytes = new Uint8Array(content.bytes);
    let have = 0;
    await inParallel(content.parts, async (part) => {
      const entry = await this.#bucket.get(partKey(content.nonce, part), { from });
      const value = entry?.value.subarray(0, bytes.length - part * partBytes);
      if (!value) return;
      bytes.set(value, part * partBytes);
      have++;
    });
    const missing = content.parts - have;
    if (missing > 0) damaged(what, `${missing} of ${content.parts} parts are missing`);
    if (digest(bytes) !== content.sha256) damaged(what, 'its parts do not give its digest');
    return await unpack(bytes, what);
  }
}

async function unpack(bytes: Uint8Array, what: string): Promise<unknown> {
  const limit = { maxOutputLength: maximumDocumentBytes };
  const text = await promisify(gunzip)(bytes, limit).catch(() =>
    damaged(what, `it is not gzip, or more than ${maximumDocumentBytes} bytes when unpacked`),
  );
  return parseJson(text, '', (reason) => damaged(what, reason));
}

export const partPrefix = 'part.';

function partKey(nonce: string, part: number): string {
  return `${partPrefix}${nonce}.${part}`;
}

/** Runs `call` for 0 … `count` - 1, a few at a time; the first failure ends it. */
export async function inParallel(
  count: number,
  call: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await call(next++);
  };
  const workers = Array.from({ length: Math.min(count, parallelCalls) }, work);
  await Promise.all(workers).finally(() => {
    next = count;
  });
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(what: string, reason: string): never {
  return fail('revision_damaged', `the content of ${what} cannot be read: ${reason}`);
}
