import type { NameKey } from '../wire/name.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import { canonicalRecords, type RecordsToSign } from './canonical.ts';
import type { KeySet } from './key-set.ts';
import { algorithm, type ZoneKey } from './zone-key.ts';

const daySeconds = 86_400;
/** Until then a cached answer validates; long enough for a weekend without anybody. */
const validitySeconds = 7 * daySeconds;
/** Signatures of one period are the same, so that they can be kept; each lives six days at least. */
const periodSeconds = daySeconds;
/** For validators whose clocks are late. */
const backdatedSeconds = 3_600;

export interface SignerOptions {
  /** Name of the zone in lower case. */
  readonly apex: NameKey;
  readonly keys: KeySet;
  /** Signatures that are kept at most; those used longest ago go first. */
  readonly capacity: number;
}

/**
 * Signs what is answered from one zone, as it is answered (RFC 4034, RFC 4035 2.2). A signature
 * belongs to exact octets: an answer that changes with health has another one, and what is kept
 * of the former is found by nobody.
 */
export class Signer {
  readonly #options: SignerOptions;
  readonly #apex: Buffer;
  readonly #kept = new Map<string, readonly Rdata[]>();
  #period = -1;
  /** Signatures made, for metrics. */
  made = 0;

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#apex = Buffer.from(options.apex, 'latin1');
  }

  get keys(): KeySet {
    return this.#options.keys;
  }

  /**
   * RRSIG data for a set, one for each key that signs it.
   *
   * @param identity equal for equal sets, and for no others
   */
  sign(set: RecordsToSign, identity: string, nowSeconds: number): readonly Rdata[] {
    const period = Math.floor(nowSeconds / periodSeconds);
    if (period !== this.#period) {
      this.#period = period;
      this.#kept.clear();
    }
    const kept = this.#kept.get(identity);
    if (kept) {
      // Last used, last in line.
      this.#kept.delete(identity);
      this.#kept.set(identity, kept);
      return kept;
    }
    const signatures = this.#keysFor(set.type).map((key) => this.#signBy(key, set));
    this.#keep(identity, signatures);
    return signatures;
  }

  #keysFor(type: number): readonly ZoneKey[] {
    const { forKeys, forData } = this.#options.keys;
    return keyTypes.has(type) ? forKeys : forData;
  }

  #signBy(key: ZoneKey, set: RecordsToSign): Rdata {
    this.made++;
    const start = this.#period * periodSeconds - backdatedSeconds;
    const fixed = Buffer.alloc(18);
    fixed.writeUInt16BE(set.type, 0);
    fixed[2] = algorithm;
    fixed[3] = labelsOf(set.owner);
    fixed.writeUInt32BE(set.ttlSeconds, 4);
    // Serial numbers of 32 bits, which wrap in 2106 (RFC 4034 3.1.5).
    fixed.writeUInt32BE((start + backdatedSeconds + validitySeconds) >>> 0, 8);
    fixed.writeUInt32BE(start >>> 0, 12);
    fixed.writeUInt16BE(key.tag, 16);
    const prefix = Buffer.concat([fixed, this.#apex]);
    const signature = key.sign(Buffer.concat([prefix, canonicalRecords(set)]));
    return rdata({ tail: Buffer.concat([prefix, signature]) });
  }

  #keep(identity: string, signatures: readonly Rdata[]): void {
    const { capacity } = this.#options;
    if (this.#kept.size >= capacity) {
      for (const oldest of this.#kept.keys()) {
        this.#kept.delete(oldest);
        break;
      }
    }
    this.#kept.set(identity, signatures);
  }
}

/** DNSKEY, CDS and CDNSKEY are signed by the keys that the parent knows (RFC 7344 4.1). */
const keyTypes: ReadonlySet<number> = new Set([48, 59, 60]);

/** Of a name, without the root and a wildcard (RFC 4034 3.1.3). */
function labelsOf(owner: Buffer): number {
  let labels = 0;
  for (let at = 0; owner[at] !== 0; at += 1 + owner[at]!) labels++;
  const wild = owner[0] === 1 && owner[1] === 0x2a;
  return wild ? labels - 1 : labels;
}
