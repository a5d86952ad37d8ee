import type { WireLimits } from './limits.ts';

/**
 * A head, complete or not, as a string of one character per octet. Searching for its end
 * first keeps a body or pipelined requests behind it out of the copy; an incomplete head
 * is copied up to a little more than the limits allow, enough to see that they are passed.
 */
export function headText(bytes: Buffer, start: number, end: number, limits: WireLimits): string {
  const close = bytes.indexOf('\r\n\r\n', start, 'latin1');
  const most = start + limits.requestLineBytes + limits.headerBytes + 4;
  const stop = close === -1 ? end : Math.min(end, close + 4);
  return bytes.toString('latin1', start, Math.min(stop, most));
}
