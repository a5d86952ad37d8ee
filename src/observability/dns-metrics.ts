import { CounterBlock, count } from './counter-block.ts';
import type { Exposition, Sample } from './exposition.ts';
import { histogramWidth, queryBoundsMs, recordDuration } from './histogram.ts';

const transports = ['udp', 'tcp', 'tls'] as const;
export type DnsTransport = (typeof transports)[number];

/** Query types that have a counter of their own, by code (IANA DNS parameters). */
const typeNames: ReadonlyMap<number, string> = new Map([
  [1, 'A'],
  [2, 'NS'],
  [5, 'CNAME'],
  [6, 'SOA'],
  [12, 'PTR'],
  [15, 'MX'],
  [16, 'TXT'],
  [28, 'AAAA'],
  [33, 'SRV'],
  [43, 'DS'],
  [48, 'DNSKEY'],
  [64, 'SVCB'],
  [65, 'HTTPS'],
  [252, 'AXFR'],
  [255, 'ANY'],
  [257, 'CAA'],
]);
const typeCodes = [...typeNames.keys()];
const typeSlots = typeCodes.length + 1; // the last one: any other type

const rcodeNames = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
] as const;
const extendedRcodes = new Map([
  [16, 'BADVERS'],
  [23, 'BADCOOKIE'],
]);
const extendedCodes = [...extendedRcodes.keys()];
const rcodeSlots = [...rcodeNames, ...extendedRcodes.values(), 'other'];

const cookieVerdicts = ['new', 'valid', 'invalid'] as const;
export type DnsCookieVerdict = (typeof cookieVerdicts)[number];

/** By the code that the name server has for them, from 1. */
const responseKinds = ['answer', 'absence', 'referral', 'error'] as const;
const limitActions = ['short', 'drop'] as const;
export type DnsLimitAction = (typeof limitActions)[number];

type CounterName = 'queries' | 'responses' | 'durations' | 'cookies' | 'limited';

/** The counters of one DNS thread. */
export class DnsMetrics {
  readonly block: CounterBlock<CounterName>;
  readonly #words: Float64Array;
  readonly #slotOfType = new Map(typeCodes.map((code, slot) => [code, slot]));

  /** Without `buffer` new counters, all zero; with it, those of a thread that ended go on. */
  constructor(buffer?: SharedArrayBuffer) {
    this.block = new CounterBlock(
      {
        queries: transports.length * typeSlots,
        responses: transports.length * rcodeSlots.length,
        durations: histogramWidth(queryBoundsMs),
        cookies: cookieVerdicts.length,
        limited: limitActions.length * responseKinds.length,
      },
      buffer,
    );
    this.#words = this.block.words;
  }

  get buffer(): SharedArrayBuffer {
    return this.block.buffer;
  }

  /**
   * A query was answered.
   *
   * @param typeCode of the question; 0 where it could not be read
   * @param rcode the extended one, 12 bits
   */
  query(transport: DnsTransport, typeCode: number, rcode: number, durationMs?: number): void {
    const row = transports.indexOf(transport);
    const type = this.#slotOfType.get(typeCode) ?? typeSlots - 1;
    count(this.#words, this.block.first('queries') + row * typeSlots + type);
    count(
      this.#words,
      this.block.first('responses') + row * rcodeSlots.length + slotOfRcode(rcode),
    );
    if (durationMs === undefined) return;
    recordDuration(this.#words, this.block.first('durations'), queryBoundsMs, durationMs);
  }

  /** A response was one too many for its network. `kind` from 1. */
  limited(action: DnsLimitAction, kind: number): void {
    const row = limitActions.indexOf(action) * responseKinds.length;
    count(this.#words, this.block.first('limited') + row + kind - 1);
  }

  /** A query had a cookie (RFC 7873). */
  cookie(verdict: DnsCookieVerdict): void {
    count(this.#words, this.block.first('cookies') + cookieVerdicts.indexOf(verdict));
  }
}

function slotOfRcode(rcode: number): number {
  if (rcode < rcodeNames.length) return rcode;
  const extended = extendedCodes.indexOf(rcode);
  return extended < 0 ? rcodeSlots.length - 1 : rcodeNames.length + extended;
}

/** What the labels of these metrics may be. */
export const dnsLabels = {
  action: limitActions,
  kind: responseKinds,
  rcode: rcodeSlots,
  transport: transports,
  type: [...typeNames.values(), 'other'],
  verdict: cookieVerdicts,
} as const;

/** Writes the sums over the DNS threads of a node. */
export function exposeDns(exposition: Exposition, threads: readonly DnsMetrics[]): void {
  if (threads.length === 0) return;
  const blocks = threads.map(({ block }) => block);
  exposition.counter(
    'meridian_dns_queries_total',
    'Queries answered, by transport and type.',
    table(CounterBlock.sum(blocks, 'queries'), dnsLabels.type, 'type'),
  );
  exposition.counter(
    'meridian_dns_responses_total',
    'Responses, by transport and response code.',
    table(CounterBlock.sum(blocks, 'responses'), rcodeSlots, 'rcode'),
  );
  const cookies = CounterBlock.sum(blocks, 'cookies');
  exposition.counter(
    'meridian_dns_cookies_total',
    'Queries with a cookie, by what it was: `new` has none of ours yet, `valid` proves the address of the client.',
    cookieVerdicts.map((verdict, at) => [{ verdict }, cookies[at] ?? 0]),
  );
  const limited = CounterBlock.sum(blocks, 'limited');
  exposition.counter(
    'meridian_dns_rate_limited_total',
    'Responses that were too many for a network, by kind: `short` ones were sent empty, `drop` not at all.',
    limitActions.flatMap((action, row) =>
      responseKinds.map(
        (kind, at): Sample => [{ action, kind }, limited[row * responseKinds.length + at] ?? 0],
      ),
    ),
  );
  exposition.histogram(
    'meridian_dns_query_duration_seconds',
    'Time from the receipt of a query to its answer.',
    queryBoundsMs,
    [[{}, CounterBlock.sum(blocks, 'durations')]],
  );
}

/** One row of counters per transport. Combinations that never occurred are left out. */
function table(values: Float64Array, columns: readonly string[], label: string): Sample[] {
  const samples: Sample[] = [];
  for (const [row, transport] of transports.entries()) {
    for (const [column, name] of columns.entries()) {
      const value = values[row * columns.length + column] ?? 0;
      if (value > 0) samples.push([{ transport, [label]: name }, value]);
    }
  }
  return samples;
}
