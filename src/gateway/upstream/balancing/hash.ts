/**
 * FNV-1a of 32 bits over UTF-16 units, mixed by the finalizer of MurmurHash3. The same on
 * every node and thread, so no secret of a process is in it: a client that chooses its key
 * chooses its endpoint, as it may.
 */
export function hashText(text: string, seed = 0): number {
  let value = 0x811c9dc5 ^ seed;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  return mix(value);
}

/** A bijection of 32 bits in which each bit of the input turns half of those of the output. */
export function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Another hash of what `hash` is of; different for each `salt`. */
export function rehash(hash: number, salt: number): number {
  return mix(Math.imul(hash ^ Math.imul(salt, 0x9e3779b1), 0x2c1b3c6d) + 0x297a2d39);
}

/** In (0, 1). */
export function unit(hash: number): number {
  return (hash + 0.5) / 0x1_0000_0000;
}
