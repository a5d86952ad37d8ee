import { BlockList, isIPv4 } from 'node:net';
import { plainAddress } from '../exchange/forwarding.ts';

/** Networks whose word is taken. */
export class TrustedNetworks {
  readonly #list = new BlockList();

  /** @param networks in CIDR notation: `10.0.0.0/8`, `2001:db8::/32` */
  constructor(networks: readonly string[]) {
    for (const network of networks) {
      const slash = network.lastIndexOf('/');
      const address = network.slice(0, slash);
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      this.#list.addSubnet(address, Number(network.slice(slash + 1)), family);
    }
  }

  has(remote: string | undefined): boolean {
    if (remote === undefined) return false;
    const address = plainAddress(remote);
    return this.#list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
  }
}
