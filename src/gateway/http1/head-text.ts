import type { WireLimits } from './limits.ts';

/** To copy this much costs less than to search for the end of the head in it. */
const smallBytes = 2_048;

/**
 * A head, complete or not, as a string of one character per octet. Searching for its end
 * first keeps a large body or many pipelined requests out of the copy; an incomplete head
 * is copied up to a little more than the limits allow, enough to see that they are passed.
 */
export function headText(bytes: Buffer, start: number, end: number, limits: WireLimits): string {
  if (end - start <= smallBytes) return bytes.toString('latin1', start, end);
  const close = bytes.indexOf('\r\n\r\n', start, 'latin1');
  const stop = close === -1 ? end : Math.min(end, close + 4);
  return bytes.toString('latin1', start, Math.min(stop, start + mostBytes(limits)));
}

/** Whether bytes[from,end), new since the last look at an incomplete head, may decide it. */
export function isWorthParsing(
  bytes: Buffer,
  start: number,
  from: number,
  end: number,
  limits: WireLimits,
): boolean {
  return (
    end - start >= mostBytes(limits) || has(bytes, 0x0a, from, end) || has(bytes, 0x0d, from, end)
  );
}

function has(bytes: Buffer, octet: number, from: number, end: number): boolean {
  const at = bytes.indexOf(octet, from);
  return at !== -1 && at < end;
}

/** Beyond which no head fits: both parts at their limit, with an empty line before. */
function mostBytes(limits: WireLimits): number {
  return limits.requestLineBytes + limits.headerBytes + 4;
}
