import { compileDnsData } from '../../src/dns/server/data.ts';
import { QueryOrigin } from '../../src/dns/server/query-origin.ts';
import { Responder } from '../../src/dns/server/responder.ts';
import { createExchange } from '../../src/dns/testdata/exchange.ts';
import { rawQuery } from '../../src/dns/testdata/raw-query.ts';
import type { MicroCase } from './micro-case.ts';

const cookieSecret = new Uint8Array(32);
const responder = new Responder(compileDnsData({ ...createExchange().options, cookieSecret }));
const output = Buffer.alloc(1_232);
/** Networks enough that none is limited. */
const origins = Array.from({ length: 256 }, (_, at) => new QueryOrigin('udp', `198.51.${at}.7`));
let turn = 0;

function caseOf(name: string, query: Buffer, beside?: string): MicroCase {
  return {
    name,
    ...(beside !== undefined && { beside }),
    run() {
      const origin = origins[turn++ & 255]!;
      origin.receivedMs = turn / 10;
      return responder.respond(query, query.length, origin, output);
    },
  };
}

const name = 'static.exchange.test';
const ofStatic = 'dns: static answer';
const cookie = [[10, Buffer.alloc(8, 1)]] as const;
const subnet = [[8, Buffer.of(0, 1, 24, 0, 81, 2, 69)]] as const;

/** Bytes of a query to bytes of its response, limits counted, no socket. */
export const dns: readonly MicroCase[] = [
  caseOf(ofStatic, rawQuery({ name })),
  caseOf('dns: static answer, EDNS', rawQuery({ name, options: [] }), ofStatic),
  caseOf('dns: static answer, a new cookie', rawQuery({ name, options: cookie }), ofStatic),
  caseOf('dns: no such name', rawQuery({ name: 'nope.exchange.test' }), ofStatic),
  caseOf(
    'dns: by latency, client subnet',
    rawQuery({ name: 'rates.exchange.test', options: subnet }),
    ofStatic,
  ),
];
