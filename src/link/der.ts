/**
 * The part of ITU-T X.690 (DER) that writing a certificate takes: every value is
 *
 *   ┌─────┬────────────────────────────────────┬─────────┐
 *   │ tag │ length: < 128, or 0x80+n and n bytes│ content │
 *   └─────┴────────────────────────────────────┴─────────┘
 */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(count: number): Buffer {
  if (count < 0x80) return Buffer.from([count]);
  const bytes = bigEndian(count);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

function bigEndian(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

export const sequence = (...items: readonly Uint8Array[]): Buffer => der(0x30, ...items);
export const setOf = (item: Uint8Array): Buffer => der(0x31, item);
export const octets = (content: Uint8Array): Buffer => der(0x04, content);
export const utf8 = (text: string): Buffer => der(0x0c, Buffer.from(text));
export const trueValue: Buffer = der(0x01, Buffer.from([0xff]));

/** A non-negative integer from its big-endian bytes; a leading zero keeps it positive. */
export function integer(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const minimal = first < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(first));
  return (minimal[0] ?? 0) >= 0x80 ? der(0x02, Buffer.from([0]), minimal) : der(0x02, minimal);
}

/** A bit string of which the last `unusedBits` bits of the last byte do not count. */
export const bits = (content: Uint8Array, unusedBits = 0): Buffer =>
  der(0x03, Buffer.from([unusedBits]), content);

/** An object identifier from its dotted text. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const septets = [arc & 0x7f];
    for (let high = arc >>> 7; high > 0; high >>>= 7) septets.unshift(0x80 | (high & 0x7f));
    bytes.push(...septets);
  }
  return der(0x06, Buffer.from(bytes));
}

/** RFC 5280 section 4.1.2.5: UTCTime through 2049, GeneralizedTime after. Whole seconds. */
export function time(at: Date): Buffer {
  const digits = `${at
    .toISOString()
    .replace(/\.\d+Z$/, '')
    .replace(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits));
}
