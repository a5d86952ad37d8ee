import type { Config } from '../../config/schema/config.ts';
import { nameServerOf } from '../../config/schema/server-address.ts';
import { commonBits, type Network, parseAddress, parseNetwork } from '../../steering/network.ts';
import { DnsError } from '../errors.ts';
import { type NameKey, parseName } from '../wire/name.ts';
import { TsigKey } from './tsig-key.ts';

/** Who may have a zone whole. */
export interface TransferRule {
  readonly to: readonly Network[];
  /** What the request must be signed with; `undefined`: the address is enough. */
  readonly key: TsigKey | undefined;
}

/** Where a zone comes from, for notifications. */
export interface SecondaryRule {
  /** As it is configured. */
  readonly name: string;
  /** By `addressKey`. */
  readonly primaries: ReadonlySet<string>;
  readonly key: TsigKey | undefined;
}

export interface TransferRules {
  /** By apex; of a zone that is not there nobody gets anything but answers. */
  readonly zones: ReadonlyMap<NameKey, TransferRule>;
  readonly keys: ReadonlyMap<NameKey, TsigKey>;
  /** Zones that come from elsewhere, by apex. */
  readonly secondaries: ReadonlyMap<NameKey, SecondaryRule>;
}

/**
 * @param secrets of `dns.transferKeys`, in base64
 * @throws DnsError `bad_zone` for a key that there is not, or without a usable secret
 */
export function transferRules(
  { dns, zones }: Pick<Config, 'dns' | 'zones'>,
  secrets: Readonly<Record<string, string>>,
): TransferRules {
  const byName = new Map(
    Object.entries(dns.transferKeys).map(([name, { algorithm }]) => [
      name,
      new TsigKey(parseName(name), algorithm, secretOf(name, secrets[name])),
    ]),
  );
  const keyOf = (place: string, name: string | undefined) => {
    const key = name === undefined ? undefined : byName.get(name);
    if (name === undefined || key) return key;
    throw new DnsError('bad_zone', `${place}.key: there is no key "${name}" in dns.transferKeys`);
  };
  const rules = new Map<NameKey, TransferRule>();
  const secondaries = new Map<NameKey, SecondaryRule>();
  for (const [name, { transfer, secondary }] of Object.entries(zones)) {
    const apex = parseName(name).key;
    if (transfer) {
      const key = keyOf(`zones.${name}.transfer`, transfer.key);
      rules.set(apex, { to: transfer.to.map(parseNetwork), key });
    }
    if (secondary) {
      const key = keyOf(`zones.${name}.secondary`, secondary.key);
      const addresses = secondary.primaries.map((text) => nameServerOf(text).address);
      secondaries.set(apex, { name, primaries: new Set(addresses.map(addressKey)), key });
    }
  }
  const keys = new Map([...byName.values()].map((key) => [key.name.key, key]));
  return { zones: rules, keys, secondaries };
}

/** The same for one address, however it is written. */
export function addressKey(text: string): string {
  const address = parseAddress(text);
  return address ? Buffer.from(address).toString('hex') : '';
}

/** Whether an address is in one of the networks. */
export function mayTransfer({ to }: TransferRule, source: string): boolean {
  const address = parseAddress(source);
  if (!address) return false;
  return to.some(
    (network) =>
      network.address.length === address.length &&
      commonBits(network.address, address) >= network.prefixBits,
  );
}

const leastSecretBytes = 16;

function secretOf(name: string, text: string | undefined): Buffer {
  const secret = Buffer.from(text?.trim() ?? '', 'base64');
  if (secret.length >= leastSecretBytes) return secret;
  const message = `dns.transferKeys.${name}: its secret is no base64 of ${leastSecretBytes} octets or more`;
  throw new DnsError('bad_zone', message);
}
