import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { maximumDocumentBytes } from './content.ts';
import { fail } from './errors.ts';
import { Fields } from './fields.ts';
import { infoOf } from './parse.ts';
import type { RevisionInfo } from './revision.ts';

/** All that a new node needs to start with where there is neither a store nor another region. */
export interface Bundle {
  readonly info: RevisionInfo;
  /** As written, not validated. */
  readonly document: unknown;
  /** Sealed, by name. Opaque here: who opens one validates it. */
  readonly secrets: Readonly<Record<string, unknown>>;
}

/** Of the gzipped part. */
export const maximumBundleBytes = 64 * 1024 * 1024;
/** A document of the largest size, and its secrets. */
const maximumUnpackedBytes = 2 * maximumDocumentBytes;
const mostSecrets = 10_000;
const version = 1;
const header = /^meridian-bundle (\d{1,4}) ([0-9a-f]{64}) (\d{1,9})\n/;
const longestHeader = 'meridian-bundle  \n'.length + 4 + 64 + 1 + 9;

/**
 * One line that names format, version, SHA-256 and length of what follows, then gzipped
 * JSON:
 *
 *   meridian-bundle 1 9f86d081… 48213⏎
 *   ␟␋␈…
 *
 * @throws RevisionError `revision_too_large`
 */
export async function encodeBundle({ info, document, secrets }: Bundle): Promise<Buffer> {
  const text = Buffer.from(JSON.stringify({ info, document, secrets }));
  const body = await promisify(gzip)(text);
  if (text.length > maximumUnpackedBytes || body.length > maximumBundleBytes) {
    fail('revision_too_large', `a bundle of ${text.length} bytes is too large`);
  }
  const head = `meridian-bundle ${version} ${digest(body)} ${body.length}\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** @throws RevisionError `bundle_damaged`, `bundle_version` */
export async function decodeBundle(bytes: Uint8Array): Promise<Bundle> {
  const start = Buffer.from(bytes.subarray(0, longestHeader)).toString('latin1');
  const match = header.exec(start);
  if (!match) return damaged('it does not begin as one');
  const [line, found, sha256, length] = match;
  if (Number(found) !== version) {
    const message = `the bundle has version ${found}, and this Meridian reads version ${version}`;
    fail('bundle_version', message);
  }
  const body = bytes.subarray(line.length);
  if (body.length !== Number(length)) {
    damaged(`it has ${body.length} bytes after its first line, and ${length} were written`);
  }
  if (body.length > maximumBundleBytes) damaged('it is too large');
  if (digest(body) !== sha256) damaged('its bytes do not give its checksum');
  const limit = { maxOutputLength: maximumUnpackedBytes };
  const text = await promisify(gunzip)(body, limit).catch(() =>
    damaged('it is not gzip, or too large when unpacked'),
  );
  return contentOf(Fields.ofJson(text, '', damaged));
}

function contentOf(fields: Fields): Bundle {
  return {
    info: infoOf(fields.fields('info')),
    document: fields.value('document'),
    secrets: fields.record('secrets', mostSecrets),
  };
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function damaged(what: string): never {
  return fail('bundle_damaged', `the bundle cannot be read: ${what}`);
}
