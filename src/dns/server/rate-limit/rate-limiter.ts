import { parseNetwork } from '../../../steering/network.ts';
import { type Credit, keyBytes, oneResponse, RateTable } from './rate-table.ts';

/** Limits as an operator sets them. */
export interface RateLimitSettings {
  /** Per second, to one network and of one kind. */
  readonly responses: number;
  /** For how many seconds a flood is remembered. */
  readonly windowSeconds: number;
  /** Of so many responses that are too many one is a short one; 0: none. */
  readonly slip: number;
  readonly ipv4PrefixBits: number;
  /** At most 64. */
  readonly ipv6PrefixBits: number;
  /** Networks that are never limited. */
  readonly exempt: readonly string[];
}

/**
 * Kinds of responses that are counted apart, so that a client cannot choose among many: answers by
 * the name that stands in the zone (a wildcard is one), what does not exist by zone, referrals by
 * cut, errors together.
 */
export const responseKind = { answer: 1, absence: 2, referral: 3, error: 4 } as const;
export type ResponseKind = (typeof responseKind)[keyof typeof responseKind];

/** `short`: without content, and such that an honest client asks again in a way that proves it. */
export type RateVerdict = 'send' | 'short' | 'drop';

const ipv4Octets = 4;
const mostPrefixOctets = 8;

/**
 * Response rate limiting (Vixie and Schryver 2012), as in BIND, NSD and Knot: who forges a victim's
 * address as the source of queries makes us send it a part of what he could.
 *
 *   credit    most = one second of responses
 *     ╲  ╱╲
 *   0 ─╲╱──╲─────────────  below: denied, but for one in `slip` that is short
 *           ╲____________  least = −window seconds of responses: so long must a flood have stopped
 */
export class RateLimiter {
  readonly #table: RateTable;
  readonly #key = new Uint8Array(keyBytes);
  #settings: RateLimitSettings | undefined;
  #credit: Credit = { perMs: 0, most: 0, least: 0 };
  #exempt: readonly Uint8Array[] = [];
  #exemptBits: readonly number[] = [];

  constructor(table = new RateTable()) {
    this.#table = table;
  }

  /** `undefined`: nobody is limited. What was counted stays. */
  configure(settings: RateLimitSettings | undefined): void {
    this.#settings = settings;
    if (!settings) return;
    const { responses, windowSeconds, exempt } = settings;
    const second = responses * oneResponse;
    this.#credit = { perMs: responses, most: second, least: -windowSeconds * second };
    const networks = exempt.map(parseNetwork);
    this.#exempt = networks.map(({ address }) => address);
    this.#exemptBits = networks.map(({ prefixBits }) => prefixBits);
  }

  /**
   * Whether a response may go to `address` (4 or 16 octets). `name` tells responses of one kind apart
   * by a number that a client cannot choose.
   */
  judge(address: Uint8Array, kind: ResponseKind, name: number, nowMs: number): RateVerdict {
    const settings = this.#settings;
    if (!settings || this.#isExempt(address)) return 'send';
    const table = this.#table;
    const hash = this.#hash(settings, address, kind, name);
    if (table.take(hash, nowMs, this.#credit)) return 'send';
    const { slip } = settings;
    return slip > 0 && table.deny() % slip === 0 ? 'short' : 'drop';
  }

  #hash(
    { ipv4PrefixBits, ipv6PrefixBits }: RateLimitSettings,
    address: Uint8Array,
    kind: ResponseKind,
    name: number,
  ): number {
    const key = this.#key;
    const isIpv4 = address.length === ipv4Octets;
    const bits = isIpv4 ? ipv4PrefixBits : ipv6PrefixBits;
    for (let at = 0; at < mostPrefixOctets; at++) {
      const kept = bits - 8 * at;
      if (kept >= 8) key[at] = address[at]!;
      else key[at] = kept <= 0 ? 0 : address[at]! & (0xff00 >> kept);
    }
    key[8] = isIpv4 ? kind : kind | 0x80;
    for (let octet = 0; octet < 4; octet++) key[9 + octet] = name >>> (8 * octet);
    return this.#table.hash(key);
  }

  #isExempt(address: Uint8Array): boolean {
    for (let at = 0; at < this.#exempt.length; at++) {
      if (isWithin(address, this.#exempt[at]!, this.#exemptBits[at]!)) return true;
    }
    return false;
  }
}

function isWithin(address: Uint8Array, network: Uint8Array, bits: number): boolean {
  if (address.length !== network.length) return false;
  const whole = bits >> 3;
  for (let at = 0; at < whole; at++) if (address[at] !== network[at]) return false;
  const mask = (0xff00 >> (bits & 7)) & 0xff;
  return mask === 0 || ((address[whole]! ^ network[whole]!) & mask) === 0;
}
