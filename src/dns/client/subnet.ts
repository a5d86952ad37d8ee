import { parseAddress } from '../../steering/network.ts';
import { DnsError } from '../errors.ts';
import { type ClientSubnetFields, ipv4Family, ipv6Family } from '../wire/client-subnet.ts';

/** What resolvers send of an address (RFC 7871 11.1). */
const defaultBits = { 4: 24, 16: 56 } as const;

/** `"203.0.113.0/24"`, or an address, of which /24 or /56 is sent. Throws `bad_lookup`. */
export function parseSubnet(text: string): ClientSubnetFields {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (!address) throw badSubnet(text);
  const width = address.length === 4 ? 4 : 16;
  const bits = slash < 0 ? String(defaultBits[width]) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > width * 8) throw badSubnet(text);
  const family = width === 4 ? ipv4Family : ipv6Family;
  return { family, sourceBits: Number(bits), address };
}

function badSubnet(text: string): DnsError {
  return new DnsError('bad_lookup', `${JSON.stringify(text)} is no network such as 203.0.113.0/24`);
}
