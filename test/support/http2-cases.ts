import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { oneRegion, type StartedGateway, startGateway } from './gateways.ts';
import { END_STREAM, type FieldPairs, frameTypes, RawHttp2 } from './raw-http2.ts';
import { okResponse, RawOrigin } from './raw-origin.ts';

/** What a client gets for what it did. */
export type Outcome =
  /** The connection is over, with that code, and perhaps the last stream that was looked at. */
  | { readonly goAway: number; readonly last?: number }
  /** The same without a word in HTTP/2. */
  | 'closed'
  /** The stream is, default 1; the connection goes on. */
  | { readonly reset: number; readonly stream?: number }
  /** An answer on that stream, default 1; the connection goes on. */
  | { readonly status: number; readonly stream?: number }
  /** Nothing comes of it; the connection goes on. */
  | 'ignored';

export interface Http2Case {
  /** In words; the section is that of its table. */
  readonly rule: string;
  /** By a client that has settled with the gateway, or nothing but connected (`fresh`). */
  readonly does: (client: RawHttp2) => void | Promise<void>;
  readonly gets: Outcome;
  readonly fresh?: boolean;
}

/** Cases by the section of the RFC that they are about. */
export type Http2Tables = Readonly<Record<string, readonly Http2Case[]>>;

/** The fields of a request without content, and others after them. */
export function get(path = '/', ...others: FieldPairs): FieldPairs {
  return requestOf('GET', path, others);
}

export function post(path = '/', ...others: FieldPairs): FieldPairs {
  return requestOf('POST', path, others);
}

function requestOf(method: string, path: string, others: FieldPairs): FieldPairs {
  return [
    [':method', method],
    [':scheme', 'http'],
    [':path', path],
    [':authority', 'a.test'],
    ...others,
  ];
}

/** Far above those that cases use. */
const nextStream = 0x1001;

/**
 * Each case against one gateway, on a connection of its own. The gateway's service echoes the
 * content of a request, says nothing to `/never` and a kilobyte to `/kilobyte`.
 */
export function runHttp2Cases(tables: Http2Tables): void {
  let origin: RawOrigin;
  let started: StartedGateway;

  before(async () => {
    origin = await RawOrigin.listen();
    origin.respond = ({ head, body }, socket) => {
      if (head.includes(' /never ')) return;
      socket.write(okResponse(head.includes(' /kilobyte ') ? 'k'.repeat(1_024) : body));
    };
    started = await startGateway({
      config: oneRegion(origin.port),
      listen: { http: { host: '127.0.0.1', port: 0, http2: true } },
    });
  });
  after(async () => {
    await started?.gateway.close();
    await origin?.close();
    assert.deepEqual(started?.defects, []);
  });

  for (const [section, cases] of Object.entries(tables)) {
    describe(section, () => {
      for (const one of cases) {
        test(one.rule, async () => {
          const { port } = started;
          using client = one.fresh ? await RawHttp2.open(port) : await RawHttp2.connect(port);
          await one.does(client);
          await assertOutcome(client, one.gets);
        });
      }
    });
  }
}

const endings: ReadonlySet<number> = new Set([frameTypes.RST_STREAM, frameTypes.GOAWAY]);

async function assertOutcome(client: RawHttp2, outcome: Outcome): Promise<void> {
  if (outcome === 'ignored') await assertServed(client);
  else if (outcome === 'closed') await client.whenClosed();
  else if ('goAway' in outcome) {
    const { payload } = await client.nextOf(frameTypes.GOAWAY);
    assert.equal(payload.readUInt32BE(4), outcome.goAway);
    if (outcome.last !== undefined) assert.equal(payload.readUInt32BE(0), outcome.last);
    await client.whenClosed();
  } else {
    const { stream = 1 } = outcome;
    if ('reset' in outcome) assert.equal(await client.reset(stream), outcome.reset);
    else assert.equal((await client.answer(stream)).status, outcome.status);
    await assertServed(client);
  }
}

/** Nothing was reset or closed, and there is an answer to a request. */
async function assertServed(client: RawHttp2): Promise<void> {
  await client.settled();
  client.headers(nextStream, get(), END_STREAM);
  assert.equal((await client.answer(nextStream)).status, 200);
  const bad = client.frames.filter(({ type }) => endings.has(type));
  assert.deepEqual(bad, []);
}
