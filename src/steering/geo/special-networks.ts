import { parseNetwork } from '../network.ts';
import { type PrefixCell, PrefixTrie } from '../prefix-trie.ts';

/**
 * Networks that are nowhere on the map (IANA special-purpose address registries,
 * RFC 6890 and its updates). Databases list some of them with a country, which is wrong.
 */
const special: Readonly<Record<string, readonly string[]>> = {
  'this network': ['0.0.0.0/8'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  'carrier-grade NAT': ['100.64.0.0/10'],
  loopback: ['127.0.0.0/8'],
  'link-local': ['169.254.0.0/16'],
  'protocol assignments': ['192.0.0.0/24', '2001::/23'],
  documentation: [
    '192.0.2.0/24',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '2001:db8::/32',
    '3fff::/20',
  ],
  benchmarking: ['198.18.0.0/15'],
  multicast: ['224.0.0.0/4'],
  reserved: ['240.0.0.0/4', '::/3', '4000::/2', '8000::/1'],
  '6to4': ['2002::/16'],
};

export interface SpecialNetworks {
  /** The name of the special network that holds the address, in its cell. */
  find(address: Uint8Array): PrefixCell<string>;
}

export function createSpecialNetworks(): SpecialNetworks {
  const entries = Object.entries(special).flatMap(([value, networks]) =>
    networks.map((network) => ({ ...parseNetwork(network), value })),
  );
  const v4 = new PrefixTrie(entries.filter(({ address }) => address.length === 4));
  const v6 = new PrefixTrie(entries.filter(({ address }) => address.length === 16));
  return { find: (address) => (address.length === 4 ? v4 : v6).find(address) };
}
