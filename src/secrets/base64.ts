/**
 * Decodes base64 (RFC 4648 section 4) in its one canonical form: with padding, unused
 * bits zero, nothing else between. So no two texts mean the same bytes, and whatever
 * changes a character is noticed.
 */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.toString('base64') === text) return bytes;
  bytes.fill(0);
  return undefined;
}
