import type { ClientNetwork } from '../../steering/record-set.ts';

const colon = 0x3a;
const dot = 0x2e;
const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/**
 * Where a query came from. One object is filled again and again, with no regular expression on
 * the way: hot. `address` is valid until the next `read`.
 */
export class ClientAddress implements ClientNetwork {
  /** 4 or 16 octets; the IPv4-mapped form, which dual-stack sockets show, counts as IPv4. */
  address: Uint8Array = new Uint8Array(16);
  /** All of them. */
  prefixBits = 128;
  readonly #ipv4 = new Uint8Array(4);
  readonly #ipv6 = new Uint8Array(16);

  /** `text` as the kernel writes it. False, and `::`, for what is no address. */
  read(text: string): boolean {
    if (readIpv4(text, 0, this.#ipv4, 0)) {
      this.#set(this.#ipv4);
      return true;
    }
    const ipv6 = this.#ipv6;
    const isAddress = readIpv6(text, ipv6);
    if (!isAddress) ipv6.fill(0);
    if (mappedPrefix.every((octet, at) => ipv6[at] === octet)) {
      for (let at = 0; at < 4; at++) this.#ipv4[at] = ipv6[12 + at]!;
      this.#set(this.#ipv4);
    } else this.#set(ipv6);
    return isAddress;
  }

  #set(address: Uint8Array): void {
    this.address = address;
    this.prefixBits = address.length * 8;
  }
}

/** Reads dotted decimal, to the end of `text`, into `address[to, to + 4)`. */
function readIpv4(text: string, from: number, address: Uint8Array, to: number): boolean {
  let part = 0;
  let value = -1;
  for (let at = from; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === dot) {
      if (value < 0 || part === 3) return false;
      address[to + part++] = value;
      value = -1;
    } else {
      // No octet begins with a 0 but 0 itself: others read such as octal.
      if (code < 0x30 || code > 0x39 || value === 0) return false;
      value = (value < 0 ? 0 : value * 10) + code - 0x30;
      if (value > 255) return false;
    }
  }
  if (part !== 3 || value < 0) return false;
  address[to + 3] = value;
  return true;
}

/** RFC 4291 2.2, all three forms, and a zone (`fe80::1%eth0`), which is left out. */
function readIpv6(text: string, address: Uint8Array): boolean {
  const zone = text.indexOf('%');
  const end = zone < 0 ? text.length : zone;
  let octets = 0;
  let gapAt = -1;
  for (let at = 0; at < end; ) {
    if (text.charCodeAt(at) === colon) {
      if (text.charCodeAt(at + 1) !== colon || gapAt >= 0) return false;
      gapAt = octets;
      at += 2;
      continue;
    }
    if (octets > 14) return false;
    const start = at;
    let value = 0;
    for (; at < end && text.charCodeAt(at) !== colon; at++) {
      if (text.charCodeAt(at) === dot) {
        if (zone >= 0 || octets > 12 || !readIpv4(text, start, address, octets)) return false;
        return spread(address, octets + 4, gapAt);
      }
      const digit = hexDigit(text.charCodeAt(at));
      if (digit < 0 || at - start === 4) return false;
      value = value * 16 + digit;
    }
    address[octets++] = value >> 8;
    address[octets++] = value & 0xff;
    // One colon is between groups; of two the second begins the gap.
    if (at < end && text.charCodeAt(at + 1) !== colon && ++at === end) return false;
  }
  return spread(address, octets, gapAt);
}

/** Moves what came after `::` to the end, and zeros between. */
function spread(address: Uint8Array, octets: number, gapAt: number): boolean {
  if (gapAt < 0) return octets === 16;
  if (octets > 14) return false;
  address.copyWithin(gapAt + 16 - octets, gapAt, octets);
  address.fill(0, gapAt, gapAt + 16 - octets);
  return true;
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
