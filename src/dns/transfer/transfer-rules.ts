import type { Config } from '../../config/schema/config.ts';
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

export interface TransferRules {
  /** By apex; of a zone that is not there nobody gets anything but answers. */
  readonly zones: ReadonlyMap<NameKey, TransferRule>;
  readonly keys: ReadonlyMap<NameKey, TsigKey>;
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
  const rules = new Map<NameKey, TransferRule>();
  for (const [name, { transfer }] of Object.entries(zones)) {
    if (!transfer) continue;
    const key = transfer.key === undefined ? undefined : byName.get(transfer.key);
    if (transfer.key !== undefined && !key) {
      const message = `zones.${name}.transfer.key: there is no key "${transfer.key}" in dns.transferKeys`;
      throw new DnsError('bad_zone', message);
    }
    rules.set(parseName(name).key, { to: transfer.to.map(parseNetwork), key });
  }
  return { zones: rules, keys: new Map([...byName.values()].map((key) => [key.name.key, key])) };
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
