import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import { z } from 'zod';

const dnsPort = 53;

/** An address of a name server; without a port it is that of DNS. */
export interface NameServerAddress {
  readonly address: string;
  readonly port: number;
}

/** `10.0.0.9`, `10.0.0.9:5353`, `2001:db8::9` or `[2001:db8::9]:5353`; `undefined` for anything else. */
export function parseNameServer(text: string): NameServerAddress | undefined {
  if (isIPv4(text) || isIPv6(text)) return { address: text, port: dnsPort };
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const [, six, four] = match ?? [];
  const address = six ?? four ?? '';
  const port = Number(match?.[3]);
  const isAddress = six === undefined ? isIPv4(address) : isIPv6(address);
  return isAddress && port >= 1 && port <= 65_535 ? { address, port } : undefined;
}

/** The same of text that the schema has taken. */
export function nameServerOf(text: string): NameServerAddress {
  const server = parseNameServer(text);
  if (!server) throw new TypeError(`${JSON.stringify(text)} is no address of a name server`);
  // As the kernel writes it.
  return { ...server, address: ipaddr.parse(server.address).toString() };
}

const mostServers = 16;

/** A list of them. */
export function nameServersSchema() {
  const server = z.string().refine((text) => parseNameServer(text) !== undefined, {
    error: 'expected an address, such as "10.0.0.9" or "10.0.0.9:5353" or "[2001:db8::9]:5353"',
  });
  return z.array(server).min(1).max(mostServers);
}
