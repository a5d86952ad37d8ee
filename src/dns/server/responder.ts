import { systemClock } from '../../base/clock.ts';
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
import { MessageWriter, type ResponseEdns } from '../wire/message-writer.ts';
import type { NameKey } from '../wire/name.ts';
import { QueryReader, silent } from '../wire/query-reader.ts';
import { type Resolution, resolve } from '../zone/resolve.ts';
import { clientNetwork } from './client-address.ts';
import type { DnsData } from './data.ts';
import { Sections } from './sections.ts';
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
  /** Time by which signatures are made; default that of the system. */
  readonly wallMs?: () => number;
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
  readonly #sections: Sections;
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
    const wallMs = options.wallMs ?? systemClock.wallMs;
    this.#sections = new Sections(this.#writer, () => Math.floor(wallMs() / 1_000));
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
    if (!this.#sections.write(resolution, this.#query)) this.#writer.truncate();
    return this.#tellsNoName(resolution) ? rcode.nameError : rcode.noError;
  }

  /** Compact denial proves that a name has nothing, for names that do not exist too (RFC 9824 3.1). */
  #tellsNoName({ outcome, zone }: Resolution): boolean {
    return outcome === 'noName' && !(this.#query.dnssecOk && zone?.signer);
  }

  /** RFC 7871 7.2.1: only when asked, and with scope 0 for a prefix of 0 bits. */
  #echoSubnet(scopeBits: number): void {
    const { hasSubnet, subnet } = this.#query;
    if (!hasSubnet) return;
    this.#edns.subnet = subnet;
    this.#edns.scopeBits = subnet.sourceBits === 0 ? 0 : scopeBits;
  }
}
