import { createHmac, randomBytes } from 'node:crypto';
import { parseAddress } from '../network.ts';

export interface IntakeLimits {
  /** What is kept of an address. */
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  readonly windowMs: number;
  /** In a window. An address counts once. */
  readonly reportsPerNetwork: number;
}

/** Why a report does not count. */
export const intakeRefusals = ['no_address', 'repeated', 'network_full', 'too_many'] as const;
export type IntakeRefusal = (typeof intakeRefusals)[number];

/** First bits of an address in hexadecimal, 8 or 16 digits; those after the prefix are 0. */
export type NetworkKey = string;

export type Admission =
  | {
      readonly network: NetworkKey;
      /** What one client has: an address, of IPv6 a /64. Not to be kept. */
      readonly source: Uint8Array;
      readonly refusal?: undefined;
    }
  | {
      readonly network?: undefined;
      readonly source?: undefined;
      readonly refusal: IntakeRefusal;
    };

/** Bounds what one window takes in memory: some ten megabytes. */
const mostSources = 100_000;
/** What one client of IPv6 has at least. */
export const sourceBits = 64;

/**
 * Whose reports count, and how often. Of an address nothing stays but its network: that it
 * reported is remembered for the rest of a window as a number made with a key that is thrown
 * away with the window.
 */
export class ReportIntake {
  readonly #limits: IntakeLimits;
  #windowEndsMs = Number.NEGATIVE_INFINITY;
  #key = randomBytes(16);
  readonly #sources = new Set<number>();
  readonly #perNetwork = new Map<NetworkKey, number>();

  constructor(limits: IntakeLimits) {
    this.#limits = limits;
  }

  /** @param address of the client; its text is not kept */
  admit(address: string, nowMs: number): Admission {
    const bytes = parseAddress(address);
    if (!bytes) return { refusal: 'no_address' };
    const { windowMs, reportsPerNetwork, ipv4Prefix, ipv6Prefix } = this.#limits;
    if (nowMs >= this.#windowEndsMs) this.#begin(nowMs + windowMs);
    const source = bytes.subarray(0, sourceBits / 8);
    const number = numberOf(source, this.#key);
    if (this.#sources.has(number)) return { refusal: 'repeated' };
    if (this.#sources.size >= mostSources) return { refusal: 'too_many' };
    const network = networkKey(bytes, bytes.length === 4 ? ipv4Prefix : ipv6Prefix);
    const counted = this.#perNetwork.get(network) ?? 0;
    if (counted >= reportsPerNetwork) return { refusal: 'network_full' };
    this.#sources.add(number);
    this.#perNetwork.set(network, counted + 1);
    return { network, source };
  }

  #begin(endsMs: number): void {
    this.#windowEndsMs = endsMs;
    this.#key = randomBytes(16);
    this.#sources.clear();
    this.#perNetwork.clear();
  }
}

/** 48 bits: that two of all sources meet happens once in thousands of full windows. */
export function numberOf(source: Uint8Array, key: Uint8Array): number {
  return createHmac('sha256', key).update(source).digest().readUIntBE(0, 6);
}

/** Of an address of 4 or 16 bytes; `prefixBits` is 64 at most. */
export function networkKey(address: Uint8Array, prefixBits: number): NetworkKey {
  const length = Math.min(8, address.length);
  const kept = Buffer.alloc(length);
  for (let at = 0; at < length; at++) {
    const bits = Math.min(8, Math.max(0, prefixBits - at * 8));
    kept[at] = address[at]! & (0xff00 >> bits);
  }
  return kept.toString('hex');
}

/** The network in 4 or 16 bytes again. */
export function addressOfKey(network: NetworkKey): Uint8Array {
  const bytes = Buffer.from(network, 'hex');
  if (bytes.length === 4) return Uint8Array.from(bytes);
  const address = new Uint8Array(16);
  address.set(bytes);
  return address;
}
