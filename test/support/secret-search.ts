import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { constants, inflateRawSync } from 'node:zlib';

/** What must not be found, in one of the forms that it could be written in. */
export interface Needle {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Something that was written, and where. */
export interface Written {
  readonly place: string;
  readonly bytes: Buffer;
}

export interface Find {
  readonly needle: string;
  readonly place: string;
}

/**
 * The forms of a secret: as it is, in hexadecimal, in base64 and base64url at each of the
 * three positions that it can have in a longer text; as a string of JSON, once or twice, and
 * in a URL.
 */
export function needlesOf(name: string, secret: string | Uint8Array): Needle[] {
  const raw = Buffer.from(secret);
  const hex = raw.toString('hex');
  const forms: [string, string | Buffer][] = [
    ['as it is', raw],
    ['hexadecimal', hex],
    ['hexadecimal, capitals', hex.toUpperCase()],
    ...[0, 1, 2].flatMap((shift): [string, string][] => [
      [`base64, ${shift} bytes on`, shiftedBase64(raw, shift, 'base64')],
      [`base64url, ${shift} bytes on`, shiftedBase64(raw, shift, 'base64url')],
    ]),
    ...(typeof secret === 'string' ? escapedForms(secret) : []),
  ];
  return forms.map(([form, bytes]) => ({ name: `${name}, ${form}`, bytes: Buffer.from(bytes) }));
}

function escapedForms(text: string): [string, string][] {
  const escaped = (plain: string) => JSON.stringify(plain).slice(1, -1);
  const forms: [string, string][] = [
    ['JSON', escaped(text)],
    ['JSON in JSON', escaped(escaped(text))],
    ['in a URL', encodeURIComponent(text)],
  ];
  return forms.filter(([, form]) => form !== text);
}

/** Of the base64 of any text in which the bytes stand `shift` bytes on: what they alone decide. */
function shiftedBase64(bytes: Buffer, shift: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(shift), bytes])
    .toString(encoding)
    .replace(/=+$/, '');
  const whole = Math.floor(((shift + bytes.length) * 8) / 6);
  return text.slice(Math.ceil((shift * 8) / 6), whole);
}

/**
 * Of a private key in PEM: each line of its body that is not all public, and what the owner
 * alone knows of it, as bytes.
 */
export function needlesOfKey(name: string, pem: string): Needle[] {
  const key = createPrivateKey(pem);
  const open = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const lines = pem
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('-----'))
    .filter((line) => !open.includes(Buffer.from(line, 'base64')));
  const { d } = key.export({ format: 'jwk' });
  return [
    ...lines.flatMap((line, index) => needlesOf(`${name}, line ${index + 1}`, line)),
    ...needlesOf(`${name}, number`, Buffer.from(d!, 'base64url')),
  ];
}

/** What can be searched whole; a larger file, such as a core with memory in it, is an error. */
const largestFileBytes = 64 * 1024 * 1024;

/** Every file below a folder, but for those that go away meanwhile. */
export async function filesBelow(folder: string): Promise<Written[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }): Promise<Written[]> => {
    const place = join(parentPath, name);
    try {
      const { size } = await stat(place);
      if (size > largestFileBytes)
        throw new Error(`${place} has ${size} bytes, too many to search`);
      return [{ place, bytes: await readFile(place) }];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
  return (await Promise.all(read)).flat();
}

/** Where each needle is; also within what is gzipped, wherever that stands. */
export function search(written: readonly Written[], needles: readonly Needle[]): Find[] {
  return written
    .flatMap((one) => [one, ...unpacked(one)])
    .flatMap(({ place, bytes }) =>
      needles
        .filter((needle) => bytes.includes(needle.bytes))
        .map(({ name }) => ({ needle: name, place })),
    );
}

/** RFC 1952, without a file name or other optional fields. */
const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08, 0]);
const gzipHeaderBytes = 10;

function unpacked({ place, bytes }: Written): Written[] {
  const found: Written[] = [];
  for (let at = bytes.indexOf(gzipMagic); at !== -1; at = bytes.indexOf(gzipMagic, at + 1)) {
    try {
      const body = bytes.subarray(at + gzipHeaderBytes); // What follows its end is ignored.
      const text = inflateRawSync(body, { finishFlush: constants.Z_SYNC_FLUSH });
      found.push({ place: `${place}, gzipped at ${at}`, bytes: text });
    } catch {
      // Bytes that only look like one.
    }
  }
  return found;
}
