/**
 * Whether an SOA serial is newer than another (RFC 1982 3.2): within half a circle ahead of it. Of
 * two that are exactly half a circle apart neither is.
 */
export function isNewerSerial(serial: number, than: number): boolean {
  const ahead = (serial - than) >>> 0;
  return ahead > 0 && ahead < 0x8000_0000;
}
