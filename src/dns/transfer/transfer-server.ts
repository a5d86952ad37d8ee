import { choose } from '../../steering/choose.ts';
import type { DnsData } from '../server/data.ts';
import { classIn, metaType, rcode } from '../wire/codes.ts';
import { QueryReader } from '../wire/query-reader.ts';
import { cdnskey, cds, dnskey } from '../wire/records/numbered-octets.ts';
import { soa } from '../wire/records/soa.ts';
import { renderSets } from '../zone/render.ts';
import type { Zone } from '../zone/zone.ts';
import type { WrittenSet } from '../zone-file/writer.ts';
import { transferMessages } from './transfer-messages.ts';
import { mayTransfer } from './transfer-rules.ts';
import { TsigSigner, verifyTsig } from './tsig.ts';

/** Said by who signs; whoever takes the zone signs it by itself, or not at all. */
const keyTypes: ReadonlySet<number> = new Set([dnskey.code, cds.code, cdnskey.code]);

/** Whether a question is for a zone as a whole. */
export function isTransfer(type: number): boolean {
  return type === metaType.zoneTransfer || type === metaType.incrementalTransfer;
}

/**
 * Hands out zones (AXFR, RFC 5936) to who may have them. A difference (IXFR) is answered with the
 * whole zone, as RFC 1995 4 allows. What is steered is what a client is answered whose location
 * nobody knows.
 */
export class TransferServer {
  readonly #data: () => DnsData;
  readonly #nowSeconds: () => number;
  readonly #query = new QueryReader();

  constructor(data: () => DnsData, nowSeconds: () => number) {
    this.#data = data;
    this.#nowSeconds = nowSeconds;
  }

  /**
   * The messages of the answer, each written into `output` when it is asked for. `undefined`:
   * nobody may have that, or not from there.
   *
   * @param message a query of its own memory
   */
  answer(message: Buffer, source: string, output: Buffer): Iterator<number> | undefined {
    const query = this.#query;
    if (query.read(message, message.length) !== rcode.noError || query.class !== classIn) {
      return undefined;
    }
    const { zones, transfers } = this.#data();
    const zone = zones.find(query.name);
    const rule = transfers.zones.get(query.name);
    if (!rule || zone?.apex.key !== query.name || !mayTransfer(rule, source)) return undefined;
    const proof = verifyTsig(message, message.length, transfers.keys, this.#nowSeconds());
    const good = proof.kind === 'good' ? proof : undefined;
    if (rule.key ? good?.key !== rule.key : proof.kind !== 'none' && !good) return undefined;
    const { id, questionEnd } = query;
    return transferMessages(
      {
        id,
        query: message,
        questionEnd,
        soa: { owner: zone.apex, ...zone.soa },
        sets: this.#setsOf(zone),
        signer: good && new TsigSigner(good.key, good.mac),
        nowSeconds: this.#nowSeconds,
      },
      output,
    );
  }

  *#setsOf(zone: Zone): Iterable<WrittenSet> {
    const { steering } = this.#data();
    for (const set of renderSets(zone, (steered) => choose(steered, undefined, steering, 0))) {
      if (set.type !== soa.code && !keyTypes.has(set.type)) yield set;
    }
  }
}
