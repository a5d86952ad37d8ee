import { parseAddress } from '../../steering/network.ts';
import type { ClientNetwork } from '../../steering/record-set.ts';
import type { ClientSubnet } from '../wire/client-subnet.ts';

/**
 * Who a query is steered for: its client subnet, else (none, or a prefix of 0 bits, which
 * RFC 7871 7.1.2 lets a resolver send instead of a network) the address it came from.
 */
export function clientNetwork(
  subnet: ClientSubnet | undefined,
  source: string,
): ClientNetwork | undefined {
  if (subnet && subnet.sourceBits > 0) return subnet;
  const address = parseIpv4(source) ?? parseAddress(source);
  return address && { address, prefixBits: address.length * 8 };
}

/** Dotted decimal as the kernel writes it; anything else `undefined`. No regular expression: hot. */
function parseIpv4(text: string): Uint8Array | undefined {
  const address = new Uint8Array(4);
  let part = 0;
  let value = -1;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e) {
      if (value < 0 || part === 3) return undefined;
      address[part++] = value;
      value = -1;
    } else {
      if (code < 0x30 || code > 0x39) return undefined;
      value = (value < 0 ? 0 : value * 10) + code - 0x30;
      if (value > 255) return undefined;
    }
  }
  if (part !== 3 || value < 0) return undefined;
  address[3] = value;
  return address;
}
