import type { SipHash } from './siphash.ts';

/** Octets of a client cookie, and of a whole cookie as we make it (RFC 9018 4). */
export const clientCookieBytes = 8;
export const cookieBytes = 24;

const version = 1;
/** RFC 9018 4.3: how old and how far ahead a cookie may be, and from what age on it is replaced. */
const oldestSeconds = 3_600;
const aheadSeconds = 300;
const renewSeconds = 1_800;

/** Where the key of a cookie with a timestamp is had. */
export interface KeySource {
  at(seconds: number): SipHash;
}

/** The cookie of a query: the client's 8 octets, and what it has of the server (0, or 8 to 32). */
export interface QueryCookie {
  readonly bytes: Uint8Array;
  readonly length: number;
}

/**
 * `new`: the client has none of ours yet. `valid`: it had one from us at its present address, so
 * the address is no forgery. `invalid`: too old, of another server, or made up.
 */
export type CookieVerdict = 'new' | 'valid' | 'invalid';

/**
 * DNS cookies (RFC 7873) in the form that servers of all makers share (RFC 9018):
 *
 *   ┌──────────────┬─────────┬──────────┬───────────┬────────────────────────────────┐
 *   │ client cookie│ version │ reserved │ timestamp │ SipHash-2-4 of all before this │
 *   │ 8 octets     │ 1       │ 3        │ 4, seconds│ and of the client's address: 8 │
 *   └──────────────┴─────────┴──────────┴───────────┴────────────────────────────────┘
 *
 * No state per client: a cookie proves itself.
 */
export class ServerCookies {
  readonly #keys: KeySource;
  /** Keys of before a change of secret, and the time until which their cookies count. */
  readonly #before: { readonly keys: KeySource; readonly untilSeconds: number } | undefined;
  /** What the last `judge` is to be answered with. */
  readonly answer = new Uint8Array(cookieBytes);
  readonly #hashed = new Uint8Array(32);
  readonly #hash = new Uint8Array(8);

  /** `before`: the keys that were replaced `nowSeconds` ago or less than an hour before that. */
  constructor(
    keys: KeySource,
    before?: { readonly keys: KeySource; readonly changedSeconds: number },
  ) {
    this.#keys = keys;
    this.#before = before && {
      keys: before.keys,
      untilSeconds: before.changedSeconds + oldestSeconds,
    };
  }

  /** `address`: 4 or 16 octets; `nowSeconds` since 1970, whole. Leaves what to answer in `answer`. */
  judge(cookie: QueryCookie, address: Uint8Array, nowSeconds: number): CookieVerdict {
    const { answer } = this;
    for (let at = 0; at < clientCookieBytes; at++) answer[at] = cookie.bytes[at]!;
    if (cookie.length === clientCookieBytes) {
      this.#make(address, nowSeconds);
      return 'new';
    }
    const age = cookie.length === cookieBytes ? ageOf(cookie.bytes, nowSeconds) : oldestSeconds + 1;
    if (age > oldestSeconds || age < -aheadSeconds || cookie.bytes[8] !== version) {
      this.#make(address, nowSeconds);
      return 'invalid';
    }
    const made = nowSeconds - age;
    if (this.#holds(this.#keys, cookie, address, made)) {
      if (age > renewSeconds) this.#make(address, nowSeconds);
      else answer.set(cookie.bytes.subarray(clientCookieBytes, cookieBytes), clientCookieBytes);
      return 'valid';
    }
    this.#make(address, nowSeconds);
    const before = this.#before;
    if (!before || nowSeconds > before.untilSeconds) return 'invalid';
    return this.#holds(before.keys, cookie, address, made) ? 'valid' : 'invalid';
  }

  #make(address: Uint8Array, nowSeconds: number): void {
    const { answer } = this;
    answer[8] = version;
    answer[9] = answer[10] = answer[11] = 0;
    for (let octet = 0; octet < 4; octet++) answer[12 + octet] = nowSeconds >>> (24 - 8 * octet);
    this.#hashOf(this.#keys, answer, address, nowSeconds, answer, 16);
  }

  /** Compared as a whole: how long that takes says nothing of where the first difference is. */
  #holds(keys: KeySource, { bytes }: QueryCookie, address: Uint8Array, made: number): boolean {
    this.#hashOf(keys, bytes, address, made, this.#hash, 0);
    let difference = 0;
    for (let octet = 0; octet < 8; octet++) {
      difference |= this.#hash[octet]! ^ bytes[16 + octet]!;
    }
    return difference === 0;
  }

  #hashOf(
    keys: KeySource,
    cookie: Uint8Array,
    address: Uint8Array,
    seconds: number,
    output: Uint8Array,
    at: number,
  ): void {
    const hashed = this.#hashed;
    for (let octet = 0; octet < 16; octet++) hashed[octet] = cookie[octet]!;
    const { length } = address;
    for (let octet = 0; octet < length; octet++) hashed[16 + octet] = address[octet]!;
    keys.at(seconds).hash(hashed, 16 + length, output, at);
  }
}

/** Timestamps go round in 2106: their distance counts (RFC 1982). */
function ageOf(cookie: Uint8Array, nowSeconds: number): number {
  const made = (cookie[12]! << 24) | (cookie[13]! << 16) | (cookie[14]! << 8) | cookie[15]!;
  return (nowSeconds - made) | 0;
}
