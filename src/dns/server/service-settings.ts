import type { Config } from '../../config/schema/config.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import type { TcpLimits } from './connections.ts';
import type { RateLimitSettings } from './rate-limit/rate-limiter.ts';

/** How the server serves, whatever it answers. */
export interface ServiceSettings {
  /** 32 octets that server cookies are made with; `undefined`: none are given. */
  readonly cookieSecret: Uint8Array | undefined;
  /** What the server is known by (NSID, `id.server`); `undefined`: it does not tell. */
  readonly identifier: Identifier | undefined;
  /** `undefined`: nobody is limited. */
  readonly rateLimit: RateLimitSettings | undefined;
  readonly tcp: TcpLimits;
}

/** When connections become scarce. */
const crowdedIdleMs = 10_000;

export interface Identifier {
  readonly octets: Uint8Array;
  /** The same as data of a TXT record. */
  readonly text: Rdata;
}

export interface ServiceOptions {
  readonly config: Pick<Config, 'dns'>;
  readonly region: string;
  /** Shared by all servers that may answer at one address. Without it there are no cookies. */
  readonly cookieSecret?: Uint8Array | undefined;
}

export function serviceSettings({ config, region, cookieSecret }: ServiceOptions): ServiceSettings {
  const { cookies, identifier, rateLimit, tcp } = config.dns;
  return {
    cookieSecret: cookies === false ? undefined : cookieSecret,
    identifier: identifier === undefined ? undefined : identifierOf(identifier, region),
    rateLimit: rateLimit === false ? undefined : rateLimitOf(rateLimit),
    tcp: {
      connections: tcp.connections,
      perSource: tcp.perSource,
      idleMs: tcp.idle,
      crowdedIdleMs: Math.min(tcp.idle, crowdedIdleMs),
    },
  };
}

function rateLimitOf(limit: Exclude<Config['dns']['rateLimit'], false>): RateLimitSettings {
  const { responses, window, slip, ipv4Prefix, ipv6Prefix, exempt } = limit;
  return {
    responses,
    windowSeconds: window / 1_000,
    slip,
    ipv4PrefixBits: ipv4Prefix,
    ipv6PrefixBits: ipv6Prefix,
    exempt,
  };
}

function identifierOf(template: string, region: string): Identifier {
  const octets = Buffer.from(template.replaceAll('{region}', region), 'latin1');
  return { octets, text: rdata({ tail: Buffer.concat([Buffer.of(octets.length), octets]) }) };
}
