import type { Config } from '../../config/schema/config.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';

/** How the server serves, whatever it answers. */
export interface ServiceSettings {
  /** 32 octets that server cookies are made with; `undefined`: none are given. */
  readonly cookieSecret: Uint8Array | undefined;
  /** What the server is known by (NSID, `id.server`); `undefined`: it does not tell. */
  readonly identifier: Identifier | undefined;
}

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
  const { cookies, identifier } = config.dns;
  return {
    cookieSecret: cookies === false ? undefined : cookieSecret,
    identifier: identifier === undefined ? undefined : identifierOf(identifier, region),
  };
}

function identifierOf(template: string, region: string): Identifier {
  const octets = Buffer.from(template.replaceAll('{region}', region), 'latin1');
  return { octets, text: rdata({ tail: Buffer.concat([Buffer.of(octets.length), octets]) }) };
}
