/** OPCODE (RFC 6895 2.2). The server answers these only. */
export const opcodeQuery = 0;
export const opcodeNotify = 4;

/** CLASS (RFC 6895 3.2). */
export const classIn = 1;
export const classChaos = 3;

/** RCODE (RFC 6895 2.3); values above 15 need the OPT record's upper bits. */
export const rcode = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  /** A name that a DNAME leads to is too long (RFC 6672 2.2). */
  nameExists: 6,
  /** Not authoritative for the zone (RFC 1996), or not authorised (RFC 8945). */
  notAuthorized: 9,
  badVersion: 16,
  badCookie: 23,
} as const;

const rcodeNames = new Map<number, string>([
  [0, 'NOERROR'],
  [1, 'FORMERR'],
  [2, 'SERVFAIL'],
  [3, 'NXDOMAIN'],
  [4, 'NOTIMP'],
  [5, 'REFUSED'],
  [6, 'YXDOMAIN'],
  [9, 'NOTAUTH'],
  [16, 'BADVERS'],
  [23, 'BADCOOKIE'],
]);

/** `3` → `NXDOMAIN`; those we have no name for as `RCODE23`. */
export function rcodeName(code: number): string {
  return rcodeNames.get(code) ?? `RCODE${code}`;
}

/** TYPEs that the server treats by rules of their own (RFC 6895 3.1). Data types: `records/`. */
export const metaType = {
  opt: 41,
  signature: 250,
  firstMeta: 128,
  /** Stands in NSEC for "this name does not exist" (RFC 9824 2). */
  noName: 128,
  incrementalTransfer: 251,
  zoneTransfer: 252,
  any: 255,
} as const;

/** EDNS options (RFC 5001, 7871, 7873, 7828, 7830, 8914). */
export const optionCode = {
  identifier: 3,
  clientSubnet: 8,
  cookie: 10,
  keepalive: 11,
  padding: 12,
  extendedError: 15,
} as const;

/** INFO-CODE of an extended error (RFC 8914 4). */
export const extendedError = {
  staleAnswer: 3,
  notReady: 14,
  prohibited: 18,
  notAuthoritative: 20,
  notSupported: 21,
  invalidData: 24,
  invalidQueryType: 30,
} as const;

/** The bits of the header's second word (RFC 1035 4.1.1). */
export const flag = {
  response: 0x8000,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
} as const;

export const headerBytes = 12;
export const maxMessageBytes = 65_535;

/**
 * The largest UDP payload that we send or announce: fits in an IPv6 packet of the
 * minimum MTU, so it is never fragmented (DNS flag day 2020).
 */
export const maxUdpPayload = 1232;
/** Without EDNS (RFC 1035 4.2.1), and the least that an EDNS client may announce. */
export const minUdpPayload = 512;
