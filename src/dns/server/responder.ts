import { choose } from '../../steering/choose.ts';
import type { SteeredSet } from '../../steering/record-set.ts';
import type { ClientSubnet } from '../wire/client-subnet.ts';
import {
  classIn,
  extendedError,
  flag,
  maxMessageBytes,
  maxUdpPayload,
  minUdpPayload,
  rcode,
} from '../wire/codes.ts';
import { MessageWriter, type ResponseEdns, section } from '../wire/message-writer.ts';
import type { DomainName, NameKey } from '../wire/name.ts';
import { QueryReader, silent } from '../wire/query-reader.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import { ns } from '../wire/records/ns.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import { type Resolution, resolve } from '../zone/resolve.ts';
import { type RecordSet, setOfType, type Zone, type ZoneNode } from '../zone/zone.ts';
import { clientNetwork } from './client-address.ts';
import type { DnsData } from './data.ts';
import { typeVerdict } from './type-verdict.ts';

export type Transport = 'udp' | 'tcp';

/** The mutable form of what goes into OPT, filled anew for each query. */
interface EdnsFields extends ResponseEdns {
  dnssecOk: boolean;
  subnet: ClientSubnet | undefined;
  scopeBits: number;
  extendedError: number;
}

export interface ResponderOptions {
  /** [0, 1); default `Math.random`. */
  readonly random?: () => number;
  /** Told of an error of ours that made an answer SERVFAIL. */
  readonly onFault?: (error: unknown) => void;
}

/**
 * Bytes of a query in, bytes of its response out; no I/O. One per thread: everything that a
 * query needs is allocated once, except what looking up and steering allocate.
 */
export class Responder {
  /** Of the last query, for metrics: its type (0 when there was none) and our RCODE. */
  type = 0;
  rcode = 0;
  #data: DnsData;
  #source = '';
  readonly #random: () => number;
  readonly #onFault: (error: unknown) => void;
  readonly #query = new QueryReader();
  readonly #writer = new MessageWriter();
  readonly #edns: EdnsFields = {
    dnssecOk: false,
    subnet: undefined,
    scopeBits: 0,
    extendedError: 0,
  };
  readonly #steer = (set: SteeredSet) => {
    const subnet = this.#query.hasSubnet ? this.#query.subnet : undefined;
    const client = clientNetwork(subnet, this.#source);
    return choose(set, client, this.#data.steering, this.#random());
  };

  constructor(data: DnsData, options: ResponderOptions = {}) {
    this.#data = data;
    this.#random = options.random ?? Math.random;
    this.#onFault = options.onFault ?? (() => {});
  }

  /** Answers from `data` from now on. */
  replace(data: DnsData): void {
    this.#data = data;
  }

  /**
   * Writes the response to the query in `message[0, length)` into `output` (65,535 bytes
   * for TCP, 1,232 for UDP). `source` is the address that it came from.
   * Returns the length of the response; 0: say nothing.
   */
  respond(
    message: Uint8Array,
    length: number,
    source: string,
    transport: Transport,
    output: Buffer,
  ): number {
    const query = this.#query;
    const verdict = query.read(message, length);
    if (verdict === silent) return 0;
    this.type = query.type;
    this.#source = source;
    this.#begin(message, transport, output);
    this.rcode = verdict === rcode.noError ? this.#answer() : verdict;
    if (this.rcode === rcode.serverFailure) this.#begin(message, transport, output);
    this.#writer.rcode(this.rcode);
    if (query.edns) this.#writer.opt(this.#edns, this.rcode);
    return this.#writer.end();
  }

  /** A response with nothing in it yet but the question. */
  #begin(message: Uint8Array, transport: Transport, output: Buffer): void {
    const query = this.#query;
    const flags = flag.response | (query.headerFlags & (0x7800 | flag.recursionDesired));
    this.#writer.begin(output, this.#limit(transport), query.id, flags);
    this.#writer.question(message, query.questionEnd);
    const edns = this.#edns;
    edns.dnssecOk = query.dnssecOk;
    edns.subnet = undefined;
    edns.scopeBits = 0;
    edns.extendedError = 0;
  }

  #limit(transport: Transport): number {
    if (transport === 'tcp') return maxMessageBytes;
    if (!this.#query.edns) return minUdpPayload;
    return Math.max(minUdpPayload, Math.min(this.#query.udpPayload, maxUdpPayload));
  }

  /** Returns the RCODE. */
  #answer(): number {
    const { class: queryClass, type, name } = this.#query;
    if (queryClass !== classIn) return rcode.refused;
    const verdict = typeVerdict(type);
    if (verdict !== rcode.noError) {
      if (verdict === rcode.refused) this.#edns.extendedError = extendedError.notSupported;
      return verdict;
    }
    try {
      return this.#lookUp(name, type);
    } catch (error) {
      // A fault of ours must not take the thread down, and again with each repeat of the query.
      this.#onFault(error);
      return rcode.serverFailure;
    }
  }

  /** Returns the RCODE. */
  #lookUp(name: NameKey, type: number): number {
    const resolution = resolve(this.#data.zones, name, type, this.#steer);
    if (resolution.outcome === 'refused') {
      this.#edns.extendedError = extendedError.notAuthoritative;
      return rcode.refused;
    }
    this.#echoSubnet(resolution.scopeBits);
    if (this.#query.edns) this.#writer.reserve(this.#edns);
    if (resolution.outcome !== 'referral' || resolution.steps.length > 0) {
      this.#writer.authoritative();
    }
    if (!this.#writeSections(resolution)) this.#writer.truncate();
    return resolution.outcome === 'noName' ? rcode.nameError : rcode.noError;
  }

  /** RFC 7871 7.2.1: only when asked, and with scope 0 for a prefix of 0 bits. */
  #echoSubnet(scopeBits: number): void {
    const { hasSubnet, subnet } = this.#query;
    if (!hasSubnet) return;
    this.#edns.subnet = subnet;
    this.#edns.scopeBits = subnet.sourceBits === 0 ? 0 : scopeBits;
  }

  /** False when the message is too small for what it must hold. */
  #writeSections({ outcome, steps, zone, cut }: Resolution): boolean {
    const writer = this.#writer;
    for (const { owner, set, records } of steps) {
      for (const data of records) {
        if (!writer.record(section.answer, owner, set.type, set.ttlSeconds, data)) return false;
      }
    }
    if (!zone) return true;
    if (outcome === 'noData' || outcome === 'noName') {
      const { apex, soa, negativeTtlSeconds } = zone;
      return writer.record(section.authority, apex, soa.type, negativeTtlSeconds, soa.records[0]!);
    }
    if (outcome === 'referral' && cut) return this.#writeReferral(zone, cut);
    const last = steps.at(-1);
    if (last) this.#writeAddresses(zone, last.records);
    return true;
  }

  /** NS of the cut, and the addresses that we hold of them; both are needed (RFC 9471). */
  #writeReferral(zone: Zone, cut: ZoneNode): boolean {
    const set = setOfType(cut, ns.code);
    if (!set) return true;
    const records = set.steering ? set.steering.records.flat() : set.records;
    for (const data of new Set(records)) {
      const { type, ttlSeconds } = set;
      if (!this.#writer.record(section.authority, cut.name, type, ttlSeconds, data)) return false;
    }
    return this.#writeAddresses(zone, records);
  }

  /** Addresses of the hosts that records lead to, as far as they fit. False when one did not. */
  #writeAddresses(zone: Zone, data: readonly Rdata[]): boolean {
    let complete = true;
    for (const { target } of data) {
      const node = target && zone.node(target.key);
      if (!node) continue;
      for (const type of [a.code, aaaa.code]) {
        const set = setOfType(node, type);
        if (set && !this.#writeAdditional(node.name, set)) complete = false;
      }
    }
    return complete;
  }

  #writeAdditional(owner: DomainName, { type, ttlSeconds, records }: RecordSet): boolean {
    for (const data of records) {
      if (!this.#writer.record(section.additional, owner, type, ttlSeconds, data)) return false;
    }
    return true;
  }
}
