/**
 * Types in the form of NSEC (RFC 4034 4.1.2): windows of 256 types, those without one left out.
 *
 *   ┌────────┬────────┬───────────────┐
 *   │ window │ length │ bits, 1 to 32 │ …
 *   └────────┴────────┴───────────────┘
 */
export function typeBitmap(types: readonly number[]): Buffer {
  const windows = new Map<number, Buffer>();
  for (const type of types) {
    const bits = windows.get(type >> 8) ?? Buffer.alloc(32);
    bits[(type & 0xff) >> 3]! |= 0x80 >> (type & 7);
    windows.set(type >> 8, bits);
  }
  const parts = [...windows].sort(([one], [other]) => one - other);
  return Buffer.concat(
    parts.flatMap(([window, bits]) => {
      const length = bits.findLastIndex((octet) => octet !== 0) + 1;
      return [Buffer.of(window, length), bits.subarray(0, length)];
    }),
  );
}
