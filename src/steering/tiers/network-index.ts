import { formatNetwork, type Network } from '../network.ts';
import { type PrefixEntry, PrefixTrie } from '../prefix-trie.ts';
import type { ClientNetwork } from '../record-set.ts';
import { holds, type Member, mergeNetworks } from './merge-networks.ts';
import { createDefault, createTier, type Narrowed, type Tier } from './tier.ts';

/** Which answers are for clients in which network; the longest prefix comes first. Networks are merged. */
export class NetworkIndex {
  readonly #v4: PrefixTrie<Tier>;
  readonly #v6: PrefixTrie<Tier>;
  readonly #default: Tier | undefined;

  /** @param networks with their host bits cleared, by index of the answer; without networks it is a default */
  constructor(networks: readonly (readonly Network[])[]) {
    const defaults = [...networks.keys()].filter((index) => networks[index]?.length === 0);
    this.#default = createDefault('cidr', defaults, 'network');
    this.#v4 = new PrefixTrie(chain(networks, 4, this.#default));
    this.#v6 = new PrefixTrie(chain(networks, 16, this.#default));
  }

  /**
   * The longest network that holds all of the client's. One that is longer than what the
   * client gave does not (Route 53), but the scope tells that more bits may lead elsewhere:
   * a cache may then use the answer for no other length of prefix (RFC 7871 7.3.1).
   */
  find(client: ClientNetwork | undefined): Narrowed {
    if (!client) return { tier: this.#default, scopeBits: 0 };
    const trie = client.address.length === 4 ? this.#v4 : this.#v6;
    const { value, prefixBits } = trie.find(client.address);
    let tier = value ?? this.#default;
    while (tier && tier.networkBits > client.prefixBits) tier = tier.wider;
    return { tier, scopeBits: prefixBits };
  }
}

/** Sorted, a network stands right before those within it: the stack holds what is around. */
function chain(
  networks: readonly (readonly Network[])[],
  bytes: 4 | 16,
  fallback: Tier | undefined,
): PrefixEntry<Tier>[] {
  const stack: PrefixEntry<Tier>[] = [];
  return mergeNetworks(membersOf(networks, bytes)).map(({ network, answers }) => {
    while (stack.length > 0 && !holds(stack.at(-1)!, network)) stack.pop();
    const { address, prefixBits } = network;
    const wider = stack.at(-1)?.value ?? fallback;
    const name = formatNetwork(network);
    const value = createTier('cidr', { name, answers, wider, networkBits: prefixBits });
    const entry = { address, prefixBits, value };
    stack.push(entry);
    return entry;
  });
}

/** Each network once. */
function membersOf(networks: readonly (readonly Network[])[], bytes: 4 | 16): Member[] {
  const members = new Map<string, { network: Network; answers: number[] }>();
  for (const [index, list] of networks.entries()) {
    for (const network of list) {
      if (network.address.length !== bytes) continue;
      const name = formatNetwork(network);
      const member = members.get(name);
      if (!member) members.set(name, { network, answers: [index] });
      else if (!member.answers.includes(index)) member.answers.push(index);
    }
  }
  return [...members.values()];
}
