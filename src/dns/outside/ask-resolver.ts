import { getServers } from 'node:dns';
import { isIPv6 } from 'node:net';
import { lookup } from '../client.ts';
import type { DomainName } from '../wire/name.ts';
import { typeName } from '../wire/records/registry.ts';
import { type OutsideAnswer, readOutsideAnswer } from './outside-answer.ts';

const timeoutMs = 3_000;
const standardPort = 53;

/**
 * Asks a resolver once, over a socket of its own: who would forge an answer has to guess its
 * port too (RFC 5452). Rejects as `lookup`.
 */
export async function askResolver(
  resolver: string,
  target: DomainName,
  type: number,
): Promise<OutsideAnswer | undefined> {
  const answer = await lookup({
    ...addressOf(resolver),
    name: `${target}.`,
    type: typeName(type),
    recursionDesired: true,
    timeoutMs,
  });
  return readOutsideAnswer(target, type, answer);
}

/** Those of the machine. */
export function systemResolvers(): string[] {
  return getServers();
}

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. */
function addressOf(resolver: string): { server: string; port: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(resolver) ?? [];
  const server = isIPv6(resolver) ? resolver : (bracketed ?? plain ?? resolver);
  return { server, port: port === undefined ? standardPort : Number(port) };
}
