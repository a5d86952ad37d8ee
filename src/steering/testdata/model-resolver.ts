import { commonBits } from '../network.ts';
import type { ClientNetwork } from '../record-set.ts';

/** What an authoritative server says to a question with a client subnet. */
export interface ScopedAnswer<Data> {
  readonly data: Data;
  readonly scopeBits: number;
}

interface Entry<Data> {
  readonly network: ClientNetwork;
  /** Only for questions of this length of prefix; `undefined`: of any that `network` holds. */
  readonly onlyFor: number | undefined;
  readonly data: Data;
}

/**
 * A resolver that caches one name by client subnet just as RFC 7871 section 7.3 says, and
 * never forgets. It sends at most `mostBits` of a client.
 *
 *   scope ≤ source            valid for all of ADDRESS/scope
 *   source = most it sends    valid for all of ADDRESS/source
 *   scope > source otherwise  valid only for questions of the very same length
 */
export class ModelResolver<Data> {
  readonly #entries: Entry<Data>[] = [];
  readonly #mostBits: number;
  readonly #ask: (client: ClientNetwork) => ScopedAnswer<Data>;

  constructor(mostBits: number, ask: (client: ClientNetwork) => ScopedAnswer<Data>) {
    this.#mostBits = mostBits;
    this.#ask = ask;
  }

  /** The network that it asks for on behalf of a client. */
  networkOf({ address, prefixBits }: ClientNetwork): ClientNetwork {
    return cut(address, Math.min(prefixBits, this.#mostBits));
  }

  /** From the cache (the longest network that fits), else from the server. */
  resolve(client: ClientNetwork): { readonly data: Data; readonly cached: boolean } {
    const network = this.networkOf(client);
    const held = this.#entries
      .filter((entry) => fits(entry, network))
      .sort((a, b) => b.network.prefixBits - a.network.prefixBits)[0];
    if (held) return { data: held.data, cached: true };
    const { data, scopeBits } = this.#ask(network);
    const { address, prefixBits } = network;
    const kept = cut(address, Math.min(scopeBits, prefixBits));
    const isExact = scopeBits > prefixBits && prefixBits < this.#mostBits;
    this.#entries.push({ network: kept, onlyFor: isExact ? prefixBits : undefined, data });
    return { data, cached: false };
  }
}

function fits<Data>({ network, onlyFor }: Entry<Data>, asked: ClientNetwork): boolean {
  if (network.address.length !== asked.address.length) return false;
  if (onlyFor !== undefined && onlyFor !== asked.prefixBits) return false;
  if (network.prefixBits > asked.prefixBits) return false;
  return commonBits(network.address, asked.address) >= network.prefixBits;
}

/** The address with the bits after the prefix cleared, as RFC 7871 section 6 wants it. */
export function cut(address: Uint8Array, prefixBits: number): ClientNetwork {
  const kept = address.map((byte, at) => {
    const bits = Math.min(8, Math.max(0, prefixBits - at * 8));
    return byte & (0xff00 >> bits);
  });
  return { address: kept, prefixBits };
}
