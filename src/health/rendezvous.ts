/** Of each pair of regions, this many nodes send and as many receive. */
export const nodesPerSide = 2;

/**
 * Rendezvous hashing (Thaler and Ravishankar, 1996): ranks nodes for a purpose. Whoever
 * ranks the same nodes for the same purpose comes to the same order, and a node that goes
 * moves no other: those behind it move up by one.
 */
export function rank(nodes: Iterable<string>, purpose: string): string[] {
  const scored = [...nodes].map((node) => ({ node, score: hash(`${purpose}\n${node}`) }));
  scored.sort((a, b) => b.score - a.score || (a.node < b.node ? -1 : 1));
  return scored.map(({ node }) => node);
}

/** What nodes of `from` and of `to` are ranked for: each pair of regions has nodes of its own. */
export const between = (from: string, to: string): string => `${from}\n${to}`;

/** Whether `node` is one of those `live` nodes of `from` that push to `to`. */
export function sends(node: string, live: Iterable<string>, from: string, to: string): boolean {
  return rank(live, between(from, to)).slice(0, nodesPerSide).includes(node);
}

/** FNV-1a of 32 bits over UTF-16 units, mixed by the finalizer of MurmurHash3. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  }
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}
