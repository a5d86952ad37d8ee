import { DnsError } from '../errors.ts';
import type { ZoneKey } from './zone-key.ts';

/** The keys of one zone. */
export class KeySet {
  readonly keys: readonly ZoneKey[];
  /** Those that sign the DNSKEY set, and what belongs to it. */
  readonly forKeys: readonly ZoneKey[];
  /** Those that sign everything else. */
  readonly forData: readonly ZoneKey[];
  /** Those that the parent is to delegate to. */
  readonly delegated: readonly ZoneKey[];

  /**
   * @throws DnsError `bad_dnssec_key` where no validator could follow: nothing that signs, or two
   * keys with one tag, which validators try in turn
   */
  constructor(zone: string, keys: readonly ZoneKey[]) {
    this.keys = keys;
    this.forKeys = keys.filter(({ signsKeys }) => signsKeys);
    this.forData = keys.filter(({ signsData }) => signsData);
    this.delegated = keys.filter(({ isDelegatedTo }) => isDelegatedTo);
    const tags = new Set(keys.map(({ tag }) => tag));
    const wrong =
      this.forKeys.length === 0
        ? 'no key signs its keys: expected a `csk` or a `ksk`'
        : this.forData.length === 0
          ? 'no key signs its data: expected a `csk` or a `zsk` that is `active`'
          : tags.size < keys.length
            ? 'two of its keys have the same tag: generate another one'
            : undefined;
    if (wrong) throw new DnsError('bad_dnssec_key', `zone ${zone}: ${wrong}`);
  }
}
