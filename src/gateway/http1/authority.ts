import { isIPv6 } from 'node:net';

/** A host and port in the one form in which the gateway compares, routes and forwards them. */
export interface Authority {
  /** Lower case, without port and trailing dot; an IPv6 address keeps its brackets. */
  readonly host: string;
  /** '' when none was given. */
  readonly port: string;
}

const maxHostLength = 255;

/**
 * Parses `host [":" port]` (RFC 3986 §3.2, RFC 9110 §7.2) or returns `undefined`.
 *
 * Stricter than reg-name: labels of letters, digits, `-` and `_` only. Escapes and
 * sub-delims name no host on any network and are read differently by different parsers;
 * user information (`user@host`) hides where a request goes. A port is 1–65535 without
 * leading zeros, and not empty.
 */
export function parseAuthority(text: string): Authority | undefined {
  const lower = text.toLowerCase();
  const hostEnd = lower.charCodeAt(0) === 0x5b ? bracketedEnd(lower) : nameEnd(lower);
  if (hostEnd <= 0) return undefined;
  let port = '';
  if (hostEnd < lower.length) {
    if (lower.charCodeAt(hostEnd) !== 0x3a) return undefined;
    port = lower.slice(hostEnd + 1);
    if (!isPort(port)) return undefined;
  }
  const dotted = lower.charCodeAt(hostEnd - 1) === 0x2e;
  return { host: lower.slice(0, dotted ? hostEnd - 1 : hostEnd), port };
}

/** Authority as sent on: `host` or `host:port`. */
export function formatAuthority({ host, port }: Authority): string {
  return port === '' ? host : `${host}:${port}`;
}

function bracketedEnd(text: string): number {
  const close = text.indexOf(']');
  const address = text.slice(1, close);
  return close !== -1 && !address.includes('%') && isIPv6(address) ? close + 1 : -1;
}

/** Where the name ends, or -1 when a label is empty or has another character. */
function nameEnd(text: string): number {
  let labelStart = 0;
  let at = 0;
  for (; at < text.length; at++) {
    const octet = text.charCodeAt(at);
    if (octet === 0x3a) break;
    if (octet === 0x2e) {
      if (at === labelStart) return -1;
      labelStart = at + 1;
    } else if (!isLabelOctet(octet)) return -1;
  }
  return at > maxHostLength ? -1 : at;
}

function isLabelOctet(octet: number): boolean {
  return (
    (octet >= 0x61 && octet <= 0x7a) ||
    (octet >= 0x30 && octet <= 0x39) ||
    octet === 0x2d ||
    octet === 0x5f
  );
}

function isPort(text: string): boolean {
  if (text.length === 0 || text.length > 5 || text.charCodeAt(0) === 0x30) return false;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return false;
  }
  return Number(text) <= 65_535;
}
