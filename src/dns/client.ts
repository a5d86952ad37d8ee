import type { Ask, ServerAddress } from './client/exchange.ts';
import { parseSubnet } from './client/subnet.ts';
import { askOverTcp } from './client/tcp.ts';
import { UdpExchange } from './client/udp.ts';
import { DnsError } from './errors.ts';
import { classIn, rcode, rcodeName } from './wire/codes.ts';
import type { Message, MessageFlags, MessageRecord } from './wire/message.ts';
import { parseName } from './wire/name.ts';
import { encodeQuery } from './wire/query-writer.ts';
import { typeCode, typeName } from './wire/records/registry.ts';

export interface LookupQuestion {
  readonly name: string;
  /** `A`, `TXT`, `TYPE65`, … */
  readonly type: string;
  /** Sent as EDNS client subnet: `203.0.113.0/24`, or an address (of which /24 or /56 is sent). */
  readonly subnet?: string;
  /** For the whole look-up, the second try over TCP included. Default 2,000. */
  readonly timeoutMs?: number;
  /** Default: UDP, and TCP when the response was truncated. */
  readonly transport?: 'udp' | 'tcp';
  /** Asks a resolver (the RD flag). Default: a server for what is its own. */
  readonly recursionDesired?: boolean;
}

export interface LookupAnswer {
  /** `NOERROR`, `NXDOMAIN`, … */
  readonly rcode: string;
  readonly flags: MessageFlags;
  readonly answers: readonly MessageRecord[];
  readonly authority: readonly MessageRecord[];
  readonly additional: readonly MessageRecord[];
  /** Scope prefix length of the answer; `undefined` when the server echoed no client subnet. */
  readonly ecsScope: number | undefined;
  /** INFO-CODE of RFC 8914, when there was one. */
  readonly extendedError: number | undefined;
  readonly transport: 'udp' | 'tcp';
  readonly tookMs: number;
}

/** Asks one server many questions over one socket. */
export interface DnsClient {
  /**
   * Rejects with `bad_lookup` or `bad_name` (nothing was sent), `lookup_timeout`,
   * `lookup_failed` (refused, closed, no route) or `bad_message` (TCP only).
   */
  lookup(question: LookupQuestion): Promise<LookupAnswer>;
  /** Rejects what is in flight. */
  close(): void;
}

const defaultTimeoutMs = 2_000;

/** `server` is an address, not a name. The socket opens with the first look-up. */
export function createDnsClient(address: ServerAddress): DnsClient {
  const udp = new UdpExchange(address);
  return {
    lookup: (question) => lookupWith(address, udp, question),
    close: () => udp.close(),
  };
}

/** One look-up with a client of its own. Rejects as `DnsClient.lookup`. */
export async function lookup(question: ServerAddress & LookupQuestion): Promise<LookupAnswer> {
  const client = createDnsClient(question);
  try {
    return await client.lookup(question);
  } finally {
    client.close();
  }
}

async function lookupWith(
  address: ServerAddress,
  udp: UdpExchange,
  question: LookupQuestion,
): Promise<LookupAnswer> {
  const startMs = performance.now();
  const ask = createAsk(question);
  if (question.transport !== 'tcp') {
    const message = await udp.ask(ask);
    if (!message.flags.truncated || question.transport === 'udp') {
      return answerOf(message, 'udp', startMs);
    }
  }
  const leftMs = Math.max(1, ask.timeoutMs - (performance.now() - startMs));
  const message = await askOverTcp(address, { ...ask, timeoutMs: Math.ceil(leftMs) });
  return answerOf(message, 'tcp', startMs);
}

function createAsk(question: LookupQuestion): Ask {
  const name = parseName(question.name);
  const type = typeCode(question.type);
  if (type === undefined) {
    throw new DnsError('bad_lookup', `${JSON.stringify(question.type)} is no record type`);
  }
  const subnet = question.subnet === undefined ? undefined : parseSubnet(question.subnet);
  const { recursionDesired = false } = question;
  return {
    encode: (id) => encodeQuery({ id, name, type, subnet, recursionDesired }),
    accepts: ({ isResponse, questions: [asked, ...more], rcode: code }) => {
      if (!isResponse || more.length > 0) return false;
      // Without a question only an error can be told, by a server that could not read ours.
      if (!asked) return code !== rcode.noError;
      if (asked.class !== classIn || asked.type !== typeName(type)) return false;
      return parseName(asked.name).key === name.key;
    },
    timeoutMs: question.timeoutMs ?? defaultTimeoutMs,
  };
}

function answerOf(message: Message, transport: 'udp' | 'tcp', startMs: number): LookupAnswer {
  return {
    rcode: rcodeName(message.rcode),
    flags: message.flags,
    answers: message.answers,
    authority: message.authority,
    additional: message.additional,
    ecsScope: message.edns?.subnet?.scopeBits,
    extendedError: message.edns?.extendedError,
    transport,
    tookMs: performance.now() - startMs,
  };
}
