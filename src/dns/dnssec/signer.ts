import type { NameKey } from '../wire/name.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import { canonicalRecords, type RecordsToSign } from './canonical.ts';
import { denialData, typeNsec } from './denial.ts';
import type { KeySet } from './key-set.ts';
import { algorithm, type ZoneKey } from './zone-key.ts';

const daySeconds = 86_400;
/** Until then a cached answer validates; long enough for a weekend without anybody. */
const validitySeconds = 7 * daySeconds;
/** Signatures of one period are the same, so that they can be kept; each lives six days at least. */
const periodSeconds = daySeconds;
/** For validators whose clocks are late. */
const backdatedSeconds = 3_600;

/** Signatures of one number are the same, those of another are not. */
export function signaturePeriod(nowSeconds: number): number {
  return Math.floor(nowSeconds / periodSeconds);
}

export interface SignerOptions {
  /** Name of the zone in lower case. */
  readonly apex: NameKey;
  readonly keys: KeySet;
  /** Sets that are kept with their signatures; those made longest ago go first. */
  readonly capacity: number;
}

/** What was signed, and one signature (data of RRSIG) for each key that signs it. */
export interface Signed {
  readonly records: readonly Rdata[];
  readonly signatures: readonly Rdata[];
}

/**
 * Signs what is answered from one zone, as it is answered (RFC 4034, RFC 4035 2.2). A signature
 * belongs to exact octets: an answer that changes with health has another one, and what is kept
 * of the former is found by nobody.
 */
export class Signer {
  readonly #options: SignerOptions;
  readonly #apex: Buffer;
  readonly #kept = new Map<string, Signed>();
  /** Numbers of record data, by which equal sets are told. */
  readonly #numbers = new WeakMap<Rdata, number>();
  #numbered = 0;
  #period = -1;
  /** Signatures made, for metrics. */
  made = 0;

  constructor(options: SignerOptions) {
    this.#options = options;
    this.#apex = Buffer.from(options.apex, 'latin1');
  }

  /** Data are told apart as objects: those of a zone stay the same from answer to answer. */
  records(
    owner: NameKey,
    type: number,
    ttlSeconds: number,
    records: readonly Rdata[],
    nowSeconds: number,
  ): Signed {
    let identity = `${type} ${ttlSeconds} ${owner}`;
    for (let at = 0; at < records.length; at++) identity += ` ${this.#numberOf(records[at]!)}`;
    const kept = this.#find(identity, nowSeconds);
    if (kept) return kept;
    return this.#make(identity, { owner: Buffer.from(owner, 'latin1'), type, ttlSeconds, records });
  }

  /** An NSEC that denies: see `denialData`. */
  denial(
    owner: NameKey,
    types: readonly number[],
    exists: boolean,
    ttlSeconds: number,
    nowSeconds: number,
  ): Signed {
    const identity = `${exists ? 'without' : 'none'} ${ttlSeconds} ${owner} ${types.join(' ')}`;
    const kept = this.#find(identity, nowSeconds);
    if (kept) return kept;
    const name = Buffer.from(owner, 'latin1');
    const records = [denialData(name, types, exists)];
    return this.#make(identity, { owner: name, type: typeNsec, ttlSeconds, records });
  }

  #numberOf(data: Rdata): number {
    const known = this.#numbers.get(data);
    if (known !== undefined) return known;
    this.#numbers.set(data, ++this.#numbered);
    return this.#numbered;
  }

  #find(identity: string, nowSeconds: number): Signed | undefined {
    const period = signaturePeriod(nowSeconds);
    if (period !== this.#period) {
      this.#period = period;
      this.#kept.clear();
    }
    return this.#kept.get(identity);
  }

  #make(identity: string, set: RecordsToSign): Signed {
    const signatures = this.#keysFor(set.type).map((key) => this.#signBy(key, set));
    const signed = { records: set.records, signatures };
    this.#keep(identity, signed);
    return signed;
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

  #keep(identity: string, signed: Signed): void {
    if (this.#kept.size >= this.#options.capacity) {
      const [oldest] = this.#kept.keys();
      this.#kept.delete(oldest!);
    }
    this.#kept.set(identity, signed);
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
