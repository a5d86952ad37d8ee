import { BlockList, isIP, isIPv4 } from 'node:net';

/** The networks that may connect. */
export class Networks {
  readonly #list = new BlockList();

  /** @param networks as `10.0.0.0/8` */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const slash = network.lastIndexOf('/');
      const address = network.slice(0, slash);
      this.#list.addSubnet(address, Number(network.slice(slash + 1)), familyOf(address));
    }
  }

  has(address: string | undefined): boolean {
    if (address === undefined || isIP(address) === 0) return false;
    // What comes by IPv4 to a socket of both.
    const mapped = address.replace(/^::ffff:/i, '');
    const plain = isIPv4(mapped) ? mapped : address;
    return this.#list.check(plain, familyOf(plain));
  }
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}
