import { createHash, timingSafeEqual } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { type Answer, problem } from './answer.ts';

/** Decides who may ask. Returns the refusal, or `undefined` for those who may. */
export interface Guard {
  /**
   * Everything is for callers on this machine. The Host field must be an address or
   * `localhost`: a page in a browser that points its own name at 127.0.0.1 (DNS
   * rebinding) sends that name.
   */
  refuseReading(remoteAddress: string | undefined, host: string | undefined): Answer | undefined;
  /** Changes need the token besides. */
  refuseChange(authorization: string | undefined): Answer | undefined;
}

export function createGuard(token: string | undefined): Guard {
  const expected = token ? digest(token) : undefined;
  return {
    refuseReading(remoteAddress, host) {
      if (!isLoopback(remoteAddress)) {
        return problem('loopback_only', 'ask from the machine that the node runs on');
      }
      if (isLocalHost(host)) return undefined;
      return problem('foreign_host', 'use the address of the admin API in the URL, not a name');
    },
    refuseChange(authorization) {
      if (!expected) return problem('changes_disabled', 'no admin token is configured');
      const given = /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization ?? '')?.[1];
      if (given !== undefined && timingSafeEqual(digest(given), expected)) return undefined;
      const detail = given === undefined ? 'send it as "Authorization: Bearer …"' : 'wrong token';
      return problem('token_required', detail, { 'WWW-Authenticate': 'Bearer realm="meridian"' });
    },
  };
}

const loopback = loopbackNetworks();

/** Whether a peer with that address is on this machine. */
export function isLoopback(address: string | undefined): boolean {
  // BlockList holds an IPv4-mapped address against the IPv4 rules.
  return address !== undefined && loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

function loopbackNetworks(): BlockList {
  const networks = new BlockList();
  networks.addSubnet('127.0.0.0', 8, 'ipv4');
  networks.addAddress('::1', 'ipv6');
  return networks;
}

/** Equal lengths for a comparison in constant time, whatever was sent. */
function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** `192.0.2.1`, `[::1]` or `localhost`, each with or without a port. */
function isLocalHost(host: string | undefined): boolean {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(host ?? '');
  if (!match) return false;
  const [, literal, name] = match;
  if (literal !== undefined) return isIP(literal) === 6;
  return name?.toLowerCase() === 'localhost' || isIP(name ?? '') === 4;
}
