import { type Clock, systemClock } from '../../base/clock.ts';
import { choose } from '../../steering/choose.ts';
import type { ClientNetwork, SteeredSet } from '../../steering/record-set.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { isMadeBySigning, typeRrsig } from '../dnssec/denial.ts';
import { signaturePeriod } from '../dnssec/signer.ts';
import type { OutsideNames } from '../outside/outside-names.ts';
import { type TransferRequest, TransferServer } from '../transfer/transfer-server.ts';
import {
  classChaos,
  classIn,
  extendedError,
  flag,
  headerBytes,
  maxMessageBytes,
  maxUdpPayload,
  metaType,
  minUdpPayload,
  opcodeNotify,
  rcode,
} from '../wire/codes.ts';
import { MessageWriter, section } from '../wire/message-writer.ts';
import type { NameKey } from '../wire/name.ts';
import { QueryReader, silent } from '../wire/query-reader.ts';
import { txt } from '../wire/records/txt.ts';
import { type FindOutside, type Resolution, resolve } from '../zone/resolve.ts';
import { chaosSubject } from './chaos.ts';
import { ClientAddress } from './client-address.ts';
import type { TcpLimits } from './connections.ts';
import type { CookieVerdict } from './cookies/server-cookies.ts';
import type { DnsData } from './data.ts';
import { countedAs } from './kind-of.ts';
import { type OnNotify, takeNotification } from './notifications.ts';
import { isPlain, isSigned, type PlainAnswer, PlainAnswers } from './plain-answers.ts';
import type { QueryOrigin } from './query-origin.ts';
import {
  RateLimiter,
  type RateVerdict,
  type ResponseKind,
  responseKind,
} from './rate-limit/rate-limiter.ts';
import { RateTable } from './rate-limit/rate-table.ts';
import { ResponseOptions } from './response-options.ts';
import { ResponseSignature } from './response-signature.ts';
import { Sections } from './sections.ts';
import { typeVerdict } from './type-verdict.ts';

export interface ResponderOptions {
  /** [0, 1); default `Math.random`. */
  readonly random?: () => number;
  /** Time by which signatures are made; default that of the system. */
  readonly wallMs?: () => number;
  /** Told of an error of ours that made an answer SERVFAIL. */
  readonly onFault?: (error: unknown) => void;
  /** Told that a zone has changed at its primary. */
  readonly onNotify?: OnNotify;
  readonly clock?: Clock;
  /** What threads that answer together count in; default: one of its own. */
  readonly rateTable?: SharedArrayBuffer;
  /** Of names outside of the zones; without it their addresses stay unknown. */
  readonly outside?: OutsideNames;
}

/**
 * Bytes of a query in, bytes of its response out; no I/O. One per thread: everything that a
 * query needs is allocated once, except what looking up and steering allocate.
 */
export class Responder {
  /** Of the last query, for metrics: its type (0 when there was none) and our RCODE. */
  type = 0;
  rcode = 0;
  /** Of the last response too: its kind, and whether it was one too many. */
  kind: ResponseKind = responseKind.error;
  rateVerdict: RateVerdict = 'send';
  #data: DnsData;
  /** `undefined`: as the data have them. */
  #shifts: readonly AppliedShift[] | undefined;
  #plain = new PlainAnswers();
  #clientKnown = false;
  readonly #random: () => number;
  readonly #onFault: (error: unknown) => void;
  readonly #nowSeconds: () => number;
  readonly #outside: OutsideNames | undefined;
  readonly #findOutside: FindOutside = (target, type) => this.#outside?.find(target, type);
  readonly #onNotify: OnNotify;
  readonly #query = new QueryReader();
  readonly #client = new ClientAddress();
  readonly #writer = new MessageWriter();
  readonly #sections: Sections;
  readonly #transfers: TransferServer;
  readonly #options: ResponseOptions;
  readonly #signature: ResponseSignature;
  readonly #rateTable: SharedArrayBuffer | undefined;
  #limiter: RateLimiter | undefined;
  /** What tells responses of one kind apart. */
  #name = 0;
  readonly #steer = (set: SteeredSet) =>
    choose(set, this.#steeredFor(), this.#data.steering, this.#random());

  constructor(data: DnsData, options: ResponderOptions = {}) {
    this.#data = data;
    const clock = options.clock ?? systemClock;
    const wallMs = options.wallMs ?? (() => clock.wallMs());
    const nowSeconds = () => Math.floor(wallMs() / 1_000);
    this.#nowSeconds = nowSeconds;
    this.#sections = new Sections(this.#writer, nowSeconds);
    this.#outside = options.outside;
    this.#transfers = new TransferServer(() => this.#data, nowSeconds, this.#findOutside);
    this.#signature = new ResponseSignature(nowSeconds);
    this.#random = options.random ?? Math.random;
    this.#onFault = options.onFault ?? (() => {});
    this.#onNotify = options.onNotify ?? (() => {});
    this.#options = new ResponseOptions(clock);
    this.#rateTable = options.rateTable;
    this.replace(data);
  }

  /** What the cookie of the last query was; `undefined`: it had none, or we give none. */
  get cookieVerdict(): CookieVerdict | undefined {
    return this.#options.cookieVerdict;
  }

  /** Of the configuration that is served. */
  get tcpLimits(): TcpLimits {
    return this.#data.service.tcp;
  }

  /** Instead of the refusal of the last query, for a zone as a whole: see `TransferServer.answer`. */
  transfer(message: Buffer, source: string, output: Buffer): Iterator<number> | undefined {
    if (this.rcode !== rcode.refused) return undefined;
    return this.#transfers.answer(this.#requestOf(message, source), output);
  }

  #requestOf(message: Uint8Array, source: string): TransferRequest {
    return { message, query: this.#query, proof: this.#signature.proof, source };
  }

  /** Weights follow these from now on, in whatever data come next too. */
  useShifts(shifts: readonly AppliedShift[]): void {
    this.#shifts = shifts;
    this.#data = this.#data.withShifts(shifts);
  }

  /** Answers from `data` from now on. */
  replace(data: DnsData): void {
    this.#data = this.#shifts ? data.withShifts(this.#shifts) : data;
    this.#plain = new PlainAnswers();
    const { service } = data;
    this.#options.replace(service);
    if (service.rateLimit) this.#limiter ??= new RateLimiter(new RateTable(this.#rateTable));
    this.#limiter?.configure(service.rateLimit);
    this.#outside?.use(data.outside);
  }

  /** Asks ahead for what `data` will need. */
  expect({ outside }: DnsData): void {
    this.#outside?.expect(outside);
  }

  close(): void {
    this.#outside?.close();
  }

  /**
   * Writes the response to the query in `message[0, length)` into `output` (1,232 bytes for UDP,
   * else 65,535). Returns the length of the response; 0: say nothing.
   */
  respond(message: Uint8Array, length: number, origin: QueryOrigin, output: Buffer): number {
    const query = this.#query;
    const verdict = query.read(message, length);
    this.rateVerdict = 'send';
    if (verdict === silent) return 0;
    this.type = query.type;
    this.kind = responseKind.error;
    this.#name = 0;
    this.#clientKnown = this.#client.read(origin.address);
    const options = this.#options;
    options.begin(query, this.#client, origin);
    const refusal = this.#judge(message, length) || verdict;
    this.#begin(message, origin, output);
    this.rcode = refusal || this.#answer(message, origin);
    if (this.rcode === rcode.serverFailure) this.#fail(message, origin, output);
    this.#writer.rcode(this.rcode);
    if (query.edns) this.#writer.opt(options, this.rcode);
    if (this.#limiter && origin.transport === 'udp' && !this.#isProved) {
      return this.#limit(this.#limiter, message, origin, output);
    }
    return this.#end(output);
  }

  /** Nothing of what was written is said, but why, where that is known. */
  #fail(message: Uint8Array, origin: QueryOrigin, output: Buffer): void {
    const { extendedError } = this.#options;
    this.#options.reset(this.#query);
    this.#options.extendedError = extendedError;
    this.#begin(message, origin, output);
  }

  /** Of the signature, where the query has one: `noError` for a good one. */
  #judge(message: Uint8Array, length: number): number {
    if (this.#query.isSigned) {
      return this.#signature.judge(message, length, this.#data.transfers.keys);
    }
    if (this.#signature.overheadBytes > 0) this.#signature.reset();
    return rcode.noError;
  }

  /** Nobody has forged the address; a signed query may be sent again, from any address. */
  get #isProved(): boolean {
    return this.#options.cookieVerdict === 'valid';
  }

  #end(output: Buffer): number {
    const end = this.#writer.end();
    return this.#signature.overheadBytes > 0 ? this.#signature.sign(output, end) : end;
  }

  /** What is left of the response when it is too many for its network; its length. */
  #limit(limiter: RateLimiter, message: Uint8Array, origin: QueryOrigin, output: Buffer): number {
    const { kind } = this;
    this.rateVerdict = limiter.judge(this.#client.address, kind, this.#name, origin.receivedMs);
    if (this.rateVerdict === 'drop') return 0;
    // An error is short as it is.
    if (this.rateVerdict === 'short' && kind !== responseKind.error)
      this.#shorten(message, origin, output);
    return this.#end(output);
  }

  /** Who shows a cookie can prove its address by ours at once (RFC 7873 5.2.3), others by TCP. */
  #shorten(message: Uint8Array, origin: QueryOrigin, output: Buffer): void {
    const options = this.#options;
    const hasCookie = options.cookieVerdict !== undefined;
    options.reset(this.#query);
    this.#begin(message, origin, output);
    this.rcode = hasCookie ? rcode.badCookie : rcode.noError;
    if (!hasCookie) this.#writer.truncate();
    this.#writer.rcode(this.rcode);
    if (this.#query.edns) this.#writer.opt(options, this.rcode);
  }

  /** A response with nothing in it yet but the question. */
  #begin(message: Uint8Array, origin: QueryOrigin, output: Buffer): void {
    const query = this.#query;
    const flags = flag.response | (query.headerFlags & (0x7800 | flag.recursionDesired));
    const limit = this.#largest(origin) - this.#signature.overheadBytes;
    this.#writer.begin(output, limit, query.id, flags);
    this.#writer.question(message, query.questionEnd);
  }

  #largest({ transport }: QueryOrigin): number {
    if (transport !== 'udp') return maxMessageBytes;
    if (!this.#query.edns) return minUdpPayload;
    return Math.max(minUdpPayload, Math.min(this.#query.udpPayload, maxUdpPayload));
  }

  /**
   * Who a query is steered for: its client subnet, else (none, or a prefix of 0 bits, which
   * RFC 7871 7.1.2 lets a resolver send instead of a network) the address it came from.
   */
  #steeredFor(): ClientNetwork | undefined {
    const { hasSubnet, subnet } = this.#query;
    if (hasSubnet && subnet.sourceBits > 0) return subnet;
    return this.#clientKnown ? this.#client : undefined;
  }

  /** Returns the RCODE. */
  #answer(message: Uint8Array, origin: QueryOrigin): number {
    const { class: queryClass, type, name, questionEnd } = this.#query;
    if (this.#query.opcode === opcodeNotify) return this.#takeNotification(origin.address);
    if (questionEnd === headerBytes) return this.#confirmCookie();
    if (queryClass !== classIn) return this.#answerChaos(queryClass, type, name);
    const verdict = typeVerdict(type);
    if (verdict !== rcode.noError) {
      if (this.#answerSoaOnly(message, origin)) return rcode.noError;
      const { notSupported, invalidQueryType } = extendedError;
      this.#options.extendedError = verdict === rcode.refused ? notSupported : invalidQueryType;
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

  #takeNotification(source: string): number {
    const { proof } = this.#signature;
    this.#writer.authoritative();
    return takeNotification(this.#query, this.#data.transfers, proof, source, this.#onNotify);
  }

  /** See `TransferServer.soaOnly`. */
  #answerSoaOnly(message: Uint8Array, { address, transport }: QueryOrigin): boolean {
    if (this.#query.type !== metaType.incrementalTransfer) return false;
    const request = this.#requestOf(message, address);
    const zone = this.#transfers.soaOnly(request, transport === 'udp');
    if (!zone) return false;
    const { type, ttlSeconds, records } = zone.soa;
    this.#writer.authoritative();
    if (this.#query.edns) this.#writer.reserve(this.#options);
    return this.#writer.record(section.answer, zone.apex, type, ttlSeconds, records[0]!);
  }

  /** A query without a question asks for a cookie, or whether its own holds (RFC 7873 5.4). */
  #confirmCookie(): number {
    const { cookieVerdict } = this.#options;
    if (cookieVerdict === undefined) return rcode.formatError;
    return cookieVerdict === 'invalid' ? rcode.badCookie : rcode.noError;
  }

  #answerChaos(queryClass: number, type: number, name: NameKey): number {
    const options = this.#options;
    const subject = queryClass === classChaos ? chaosSubject(name) : undefined;
    const { identifier } = this.#data.service;
    if (subject === 'identifier' && identifier && (type === txt.code || type === metaType.any)) {
      this.#writer.authoritative();
      this.#writer.record(section.answer, undefined, txt.code, 0, identifier.text, classChaos);
      return rcode.noError;
    }
    options.extendedError = subject ? extendedError.prohibited : extendedError.notSupported;
    return rcode.refused;
  }

  /** Returns the RCODE. */
  #lookUp(name: NameKey, type: number): number {
    const { dnssecOk } = this.#query;
    const period = dnssecOk ? signaturePeriod(this.#nowSeconds()) : 0;
    const plain = this.#plain.find(name, type, dnssecOk, period);
    if (plain && this.#writePlain(plain)) return rcode.noError;
    const resolution = resolve(this.#data.zones, name, type, this.#steer, this.#findOutside);
    if (resolution.outcome === 'refused') {
      this.#options.extendedError = extendedError.notAuthoritative;
      return rcode.refused;
    }
    if (resolution.outcome === 'unavailable') {
      this.#options.extendedError = resolution.zone?.unavailable ?? 0;
      return rcode.serverFailure;
    }
    if (resolution.outcome === 'unknown') {
      this.#options.extendedError = extendedError.notReady;
      return rcode.serverFailure;
    }
    const { kind, nameHash } = countedAs(resolution);
    this.kind = kind;
    this.#name = nameHash;
    this.#echoSubnet(resolution.scopeBits);
    if (resolution.steps.some(({ outside }) => outside?.isStale)) {
      this.#options.extendedError = extendedError.staleAnswer;
    }
    if (this.#query.edns) this.#writer.reserve(this.#options);
    if (resolution.outcome !== 'referral' || resolution.steps.length > 0) {
      this.#writer.authoritative();
    }
    if (!this.#sections.write(resolution, this.#query)) this.#writer.truncate();
    else if (!plain) this.#keepPlain(name, type, resolution);
    if (resolution.outcome === 'tooLong') return rcode.nameExists;
    return this.#tellsNoName(resolution) ? rcode.nameError : rcode.noError;
  }

  /** False, and nothing written, where that is not what is to be answered. */
  #writePlain({ body, kind, nameHash }: PlainAnswer): boolean {
    const { edns } = this.#query;
    this.#echoSubnet(0);
    if (!this.#writer.append(body, edns ? this.#options : undefined)) return false;
    this.#writer.authoritative();
    this.kind = kind;
    this.#name = nameHash;
    return true;
  }

  #keepPlain(name: NameKey, type: number, resolution: Resolution): void {
    if (type === typeRrsig || !isPlain(resolution)) return;
    if (!this.#data.zones.find(name)?.node(name)) return;
    const body = this.#writer.body();
    const hasSignatures = isSigned(resolution) ? this.#query.dnssecOk : undefined;
    const { kind } = this;
    if (body) this.#plain.keep(name, { type, body, kind, nameHash: this.#name, hasSignatures });
  }

  /**
   * Compact denial proves that a name has nothing, for names that do not exist too (RFC 9824 3.1):
   * NXDOMAIN would not fit to it but for who knows of that (5.1), nor to an NSEC that was asked for.
   */
  #tellsNoName({ outcome, zone }: Resolution): boolean {
    if (outcome !== 'noName') return false;
    const { type, dnssecOk, compactOk } = this.#query;
    return !zone?.signer || !(isMadeBySigning(type) || (dnssecOk && !compactOk));
  }

  /** RFC 7871 7.2.1: only when asked, and with scope 0 for a prefix of 0 bits. */
  #echoSubnet(scopeBits: number): void {
    const { hasSubnet, subnet } = this.#query;
    if (!hasSubnet) return;
    this.#options.subnet = subnet;
    this.#options.scopeBits = subnet.sourceBits === 0 ? 0 : scopeBits;
  }
}
