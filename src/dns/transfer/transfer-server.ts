import { choose } from '../../steering/choose.ts';
import type { DnsData } from '../server/data.ts';
import { classIn, headerBytes, metaType } from '../wire/codes.ts';
import { skipName } from '../wire/name-reader.ts';
import type { QueryReader } from '../wire/query-reader.ts';
import { cdnskey, cds, dnskey } from '../wire/records/numbered-octets.ts';
import { soa, soaNumbers } from '../wire/records/soa.ts';
import { renderSets } from '../zone/render.ts';
import type { FindOutside, Steer } from '../zone/resolve.ts';
import type { Zone } from '../zone/zone.ts';
import type { WrittenSet } from '../zone-file/writer.ts';
import { isNewerSerial } from './serial.ts';
import { transferMessages } from './transfer-messages.ts';
import { mayTransfer } from './transfer-rules.ts';
import { TsigSigner, type TsigVerdict } from './tsig.ts';

/** Said by who signs; whoever takes the zone signs it by itself, or not at all. */
const keyTypes: ReadonlySet<number> = new Set([dnskey.code, cds.code, cdnskey.code]);

/** Whether a question is for a zone as a whole. */
export function isTransfer(type: number): boolean {
  return type === metaType.zoneTransfer || type === metaType.incrementalTransfer;
}

/** A question for a zone as a whole, read and its signature judged. */
export interface TransferRequest {
  readonly message: Uint8Array;
  readonly query: QueryReader;
  readonly proof: TsigVerdict;
  /** The address that it came from. */
  readonly source: string;
}

/**
 * Hands out zones to who may have them, whole (AXFR, RFC 5936). A difference (IXFR) is the whole
 * zone too, as RFC 1995 4 allows, or for who has it already its SOA. What is steered is what a
 * client is answered whose location nobody knows.
 */
export class TransferServer {
  readonly #data: () => DnsData;
  readonly #nowSeconds: () => number;
  readonly #findOutside: FindOutside | undefined;

  constructor(data: () => DnsData, nowSeconds: () => number, findOutside?: FindOutside) {
    this.#data = data;
    this.#nowSeconds = nowSeconds;
    this.#findOutside = findOutside;
  }

  /**
   * The zone whose SOA alone is the answer: to a question for a difference by who has the newest, and
   * over UDP by who has not, and is to ask again over TCP (RFC 1995 2).
   */
  soaOnly(request: TransferRequest, isUdp: boolean): Zone | undefined {
    if (request.query.type !== metaType.incrementalTransfer) return undefined;
    const zone = this.#permitted(request);
    if (!zone || isUdp) return zone;
    const held = heldSerial(request);
    const { serial } = soaNumbers(zone.soa.records[0]!);
    return held !== undefined && !isNewerSerial(serial, held) ? zone : undefined;
  }

  /**
   * The messages of the answer, each written into `output` when it is asked for. `undefined`:
   * nobody may have that, or not from there. The message must have memory of its own.
   */
  answer(request: TransferRequest, output: Buffer): Iterator<number> | undefined {
    const zone = this.#permitted(request);
    if (!zone) return undefined;
    const { message, query, proof } = request;
    const { id, questionEnd } = query;
    return transferMessages(
      {
        id,
        query: message,
        questionEnd,
        soa: { owner: zone.apex, ...zone.soa },
        sets: this.#setsOf(zone),
        signer: proof.kind === 'good' ? new TsigSigner(proof.key, proof.mac) : undefined,
        nowSeconds: this.#nowSeconds,
      },
      output,
    );
  }

  #permitted({ query, proof, source }: TransferRequest): Zone | undefined {
    if (query.class !== classIn || !isTransfer(query.type)) return undefined;
    const { zones, transfers } = this.#data();
    const zone = zones.find(query.name);
    const rule = transfers.zones.get(query.name);
    if (!rule || zone?.apex.key !== query.name || !mayTransfer(rule, source)) return undefined;
    if (zone.unavailable !== 0) return undefined;
    const good = proof.kind === 'good' ? proof : undefined;
    if (rule.key ? good?.key !== rule.key : proof.kind !== 'none' && !good) return undefined;
    return zone;
  }

  *#setsOf(zone: Zone): Iterable<WrittenSet> {
    const { steering } = this.#data();
    const steer: Steer = (steered) => choose(steered, undefined, steering, 0);
    for (const set of renderSets(zone, steer, this.#findOutside)) {
      if (set.type !== soa.code && !keyTypes.has(set.type)) yield set;
    }
  }
}

/** Serial of the SOA in the authority section: what who asks for a difference has (RFC 1995 3). */
function heldSerial({ message, query }: TransferRequest): number | undefined {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length);
  if (query.questionEnd === headerBytes || bytes.readUInt16BE(8) === 0) return undefined;
  const at = skipName(bytes, query.questionEnd, bytes.length);
  if (at < 0 || at + 10 > bytes.length || bytes.readUInt16BE(at) !== soa.code) return undefined;
  const end = at + 10 + bytes.readUInt16BE(at + 8);
  const hostmaster = skipName(bytes, at + 10, end);
  const numbers = hostmaster < 0 ? -1 : skipName(bytes, hostmaster, end);
  return numbers >= 0 && numbers + 20 === end ? bytes.readUInt32BE(numbers) : undefined;
}
