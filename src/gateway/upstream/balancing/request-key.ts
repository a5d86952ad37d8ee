import type { HashKeyConfig } from '../../../config/schema/balancing.ts';
import { findField } from '../../http1/fields.ts';
import type { BalanceKey } from './balancer.ts';
import { clientNetwork } from './client-network.ts';
import { hashText } from './hash.ts';

/** Hash of what a service tells requests apart by. */
export type RequestHash = (request: BalanceKey) => number;

export const addressHash: RequestHash = ({ clientAddress }) =>
  hashText(clientNetwork(clientAddress));

/** A request that lacks the key, or has an empty one, is placed by its client's address. */
export function requestHash(key: HashKeyConfig): RequestHash {
  if (key === 'address') return addressHash;
  const find = finder(key);
  // Not `findKey`: the kind of key is looked at once.
  return (request) => {
    const text = find(request);
    return text ? hashText(text) : addressHash(request);
  };
}

/** What the hash is taken of, unless it is the address; '' or `undefined`: there is none. */
export function findKey(
  key: Exclude<HashKeyConfig, 'address'>,
  request: BalanceKey,
): string | undefined {
  return finder(key)(request);
}

function finder(key: Exclude<HashKeyConfig, 'address'>) {
  if ('cookie' in key) return ({ fields }: BalanceKey) => findCookie(fields, key.cookie);
  if ('query' in key) return ({ query }: BalanceKey) => findParameter(query, key.query);
  const name = key.header.toLowerCase();
  return ({ fields }: BalanceKey) => findField(fields, name);
}

/** The first cookie of that name; HTTP/2 may give each a field of its own (RFC 9113 §8.2.3). */
export function findCookie(fields: readonly string[], name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) {
    const field = fields[at]!;
    if (field.length !== 6 || field.toLowerCase() !== 'cookie') continue;
    const value = findPair(fields[at + 1]!, 0, ';', name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** All cookies of that name, in their order. */
export function findCookies(fields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]!.toLowerCase() !== 'cookie') continue;
    for (const pair of fields[at + 1]!.split(';')) {
      const value = findPair(pair, 0, ';', name);
      if (value !== undefined) values.push(value);
    }
  }
  return values;
}

/** The first parameter of that name, as written. `query` begins with its `?`. */
export function findParameter(query: string, name: string): string | undefined {
  return findPair(query, 1, '&', name);
}

/** The value of the first `name=value`, between separators and spaces; neither is in `name`. */
function findPair(text: string, from: number, separator: string, name: string): string | undefined {
  for (let start = from; start < text.length; ) {
    const next = text.indexOf(separator, start);
    const end = next === -1 ? text.length : next;
    while (text.charCodeAt(start) === 0x20) start++;
    if (text.startsWith(name, start) && text.charCodeAt(start + name.length) === 0x3d) {
      return text.slice(start + name.length + 1, end).trimEnd();
    }
    start = end + 1;
  }
  return undefined;
}
