import { metaType } from '../wire/codes.ts';
import { isWithin } from '../wire/name.ts';
import { cdnskey, cds, dnskey } from '../wire/records/numbered-octets.ts';
import { rdata } from '../wire/records/record-type.ts';
import { typeName } from '../wire/records/registry.ts';
import { type SoaNumbers, soa, soaNumbers } from '../wire/records/soa.ts';
import { expandRdata } from './rdata-names.ts';
import {
  type AnswerRecord,
  type AskedQuestion,
  failed,
  ResponseRecords,
  soaNumbersAt,
} from './response-records.ts';
import { ImageBuilder, type ImageLimits, type ZoneImage } from './zone-image.ts';

/** Made by who signs a zone: RRSIG, NSEC, NSEC3, NSEC3PARAM. */
const signingTypes: ReadonlySet<number> = new Set([46, 47, 50, 51]);
/** At the apex, of whose keys they are. */
const keyTypes: ReadonlySet<number> = new Set([dnskey.code, cds.code, cdnskey.code]);

export interface IncomingOptions extends Omit<AskedQuestion, 'type'> {
  /** The zone is signed here, so that signatures of the primary are left out. */
  readonly isSignedHere: boolean;
  readonly limits?: ImageLimits;
}

/**
 * The messages of a zone transfer (AXFR, RFC 5936) → the zone. Octets are hostile: there is a whole
 * zone at the end, or an error and nothing. What stands outside of the zone is left out.
 *
 *   SOA │ records … │ records … │ … records, SOA
 *    └── the same ──────────────────────────┘
 */
export class IncomingTransfer {
  readonly #options: IncomingOptions;
  readonly #builder: ImageBuilder;
  #soa: { readonly numbers: SoaNumbers; readonly data: Buffer } | undefined;
  #isFirst = true;
  #whole: ZoneImage | undefined;

  constructor(options: IncomingOptions) {
    this.#options = options;
    this.#builder = new ImageBuilder(options.limits);
  }

  /** `undefined`: there is more to come. @throws DnsError `transfer_failed` */
  take(message: Buffer): ZoneImage | undefined {
    const asked = { ...this.#options, type: metaType.zoneTransfer };
    const records = new ResponseRecords(message, asked, this.#isFirst);
    this.#isFirst = false;
    // Each has some, so that work and memory end with the limits.
    if (records.left === 0) throw failed('has a message without records');
    while (records.left > 0) {
      if (this.#whole) throw failed('goes on after its end');
      this.#take(message, records, records.next());
    }
    return this.#whole;
  }

  #take(message: Buffer, { names }: ResponseRecords, record: AnswerRecord): void {
    const { apex } = this.#options;
    const { type, start, end, ttlSeconds } = record;
    const owner = names.key();
    const wire = Buffer.from(names.wire.subarray(0, names.length));
    if (type === soa.code && owner === apex.key) {
      if (!this.#takeSoa(message, start, end, names)) return;
    } else if (!this.#soa) throw failed('does not begin with the SOA of the zone');
    if (!isWithin(owner, apex.key) || this.#isLeftOut(type, owner)) {
      this.#builder.leaveOut(wire, end - start);
      return;
    }
    if (
      type === metaType.opt ||
      (type >= metaType.firstMeta && type <= metaType.any) ||
      type === 0
    ) {
      throw failed(`has a record of type ${typeName(type)}`);
    }
    const data = expandRdata(type, message, start, end, names);
    if (!data || data.length > 0xffff) throw failed(`has broken ${typeName(type)} data`);
    this.#builder.add(wire, type, ttlSeconds, data);
  }

  /** Whether it is the first. */
  #takeSoa(message: Buffer, start: number, end: number, names: ResponseRecords['names']): boolean {
    const at = soaNumbersAt(message, start, end);
    const data = expandRdata(soa.code, message, start, end, names);
    if (!data) throw failed('has a broken SOA');
    if (!this.#soa) {
      this.#soa = { numbers: numbersAt(message, at), data };
      return true;
    }
    if (!data.equals(this.#soa.data)) throw failed('ends with another SOA: the zone has changed');
    this.#whole = this.#builder.build(this.#soa.numbers);
    return false;
  }

  #isLeftOut(type: number, owner: string): boolean {
    const { isSignedHere, apex } = this.#options;
    if (signingTypes.has(type)) {
      if (isSignedHere) return true;
      throw failed(
        'is a signed zone, whose signatures cannot be served: with `dnssec` it is signed here',
      );
    }
    return isSignedHere && keyTypes.has(type) && owner === apex.key;
  }
}

function numbersAt(bytes: Buffer, at: number): SoaNumbers {
  return soaNumbers(rdata({ tail: bytes.subarray(at, at + 20) }));
}

/** The SOA of a zone in the answer to a question for it. @throws DnsError `transfer_failed` */
export function readSoaAnswer(message: Buffer, asked: AskedQuestion): SoaNumbers {
  const records = new ResponseRecords(message, asked);
  while (records.left > 0) {
    const { type, start, end } = records.next();
    if (type !== soa.code || records.names.key() !== asked.apex.key) continue;
    return numbersAt(message, soaNumbersAt(message, start, end));
  }
  throw failed('has no SOA of the zone');
}
