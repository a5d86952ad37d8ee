import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { oneRegion, startGateway } from '../../../test/support/gateways.ts';
import { RawClient, type SeenResponse } from '../../../test/support/raw-client.ts';
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  type FieldPairs,
  fieldFrames,
  frame,
  frameTypes,
  type RawHttp2,
  settings,
  uint32,
} from '../../../test/support/raw-http2.ts';
import { ok, RawHttp2Origin } from '../../../test/support/raw-http2-origin.ts';
import { ErrorCode } from '../http2/http2-error.ts';

const {
  CONTINUATION,
  DATA,
  GOAWAY,
  HEADERS,
  PING,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} = frameTypes;

/**
 * How a request ends whose service misbehaves: with that problem, with a response that breaks off,
 * or with the answer to another attempt.
 */
type End = 'upstream_bad_response' | 'upstream_closed' | 'upstream_saturated' | 'broken' | 'served';

interface Misbehaviour {
  readonly rule: string;
  /** Instead of the first answer; others are right. */
  readonly does: (connection: RawHttp2, stream: number) => void;
  readonly end: End;
  /** The connection is over with that code, and other requests on it are lost. */
  readonly goAway?: number;
  /** Other requests on the connection, where it is not over: default is that they go on. */
  readonly others?: 'answered' | 'sentAgain' | 'lost';
  /** Default GET. */
  readonly method?: 'GET' | 'POST' | 'HEAD';
}

function ofStream(
  rule: string,
  end: End,
  does: Misbehaviour['does'],
  method?: 'HEAD',
): Misbehaviour {
  return { rule, does, end, ...(method ? { method } : {}) };
}

function ofConnection(rule: string, goAway: number, does: Misbehaviour['does']): Misbehaviour {
  return { rule, does, end: 'upstream_bad_response', goAway };
}

/** A response head of these fields. */
function head(rule: string, ...fields: FieldPairs): Misbehaviour {
  return ofStream(rule, 'upstream_bad_response', (connection, stream) => {
    connection.headers(stream, fields);
    connection.data(stream, 'ok', END_STREAM);
  });
}

const status = [':status', '200'] as const;

const heads: Misbehaviour[] = [
  head('no :status', ['x', 'y']),
  head('two :status', status, status),
  head(':status after another field', ['x', 'y'], status),
  head('a pseudo field of requests', status, [':path', '/']),
  ...['99', '600', '20', '2000', '20x', '', ' 200', '101'].map((code) =>
    head(`:status ${JSON.stringify(code)}`, [':status', code]),
  ),
  head('a name in capitals', status, ['X-Field', 'y']),
  head('a value with CR and LF', status, ['x', 'y\r\nset-cookie: a=b']),
  head('a value with NUL', status, ['x', 'y\0']),
  head('Connection', status, ['connection', 'close']),
  head('Transfer-Encoding', status, ['transfer-encoding', 'chunked']),
  head('two Content-Length', status, ['content-length', '2'], ['content-length', '2']),
  head('Content-Length "+2"', status, ['content-length', '+2']),
  head('less content than its length', status, ['content-length', '3']),
  head('more content than its length', status, ['content-length', '1']),
  ofStream('a length, and the end with the head', 'upstream_bad_response', (connection, stream) => {
    connection.headers(stream, [status, ['content-length', '3']], END_STREAM);
  }),
  ofStream('an end with an interim head', 'upstream_bad_response', (connection, stream) => {
    connection.headers(stream, [[':status', '103']], END_STREAM);
  }),
  ofStream('interim heads without end', 'upstream_bad_response', (connection, stream) => {
    const one = fieldFrames(stream, block([[':status', '103']]));
    connection.send(...Array.from({ length: 1_000 }, () => one).flat());
  }),
  ofStream('fields beyond what is taken', 'upstream_bad_response', (connection, stream) => {
    connection.headers(stream, [status, ['x', 'y'.repeat(40_000)]]);
  }),
  ofStream('content before the head', 'upstream_bad_response', (connection, stream) => {
    connection.data(stream, 'content');
    ok(connection, stream);
  }),
  ofStream(
    'content of a HEAD',
    'upstream_bad_response',
    (connection, stream) => {
      ok(connection, stream);
    },
    'HEAD',
  ),
  ofStream('content of a 204', 'upstream_bad_response', (connection, stream) => {
    connection.headers(stream, [[':status', '204']]);
    connection.data(stream, 'content', END_STREAM);
  }),
];

/** A response that has gone to the client in part when the rest is wrong. */
function late(rule: string, end: End, rest: Misbehaviour['does']): Misbehaviour {
  return ofStream(rule, end, (connection, stream) => {
    connection.headers(stream, [status]);
    connection.data(stream, 'begin');
    // The gateway has read that, and sent it on, before it answers.
    void connection.settled().then(() => rest(connection, stream));
  });
}

const rests: Misbehaviour[] = [
  late('a second head', 'broken', (connection, stream) => connection.headers(stream, [status])),
  late('trailers with a pseudo field', 'broken', (connection, stream) =>
    connection.headers(stream, [status], END_STREAM),
  ),
  late('trailers with a line end in a value', 'broken', (connection, stream) =>
    connection.headers(stream, [['x', 'y\r\n']], END_STREAM),
  ),
  late('RST_STREAM', 'broken', (connection, stream) =>
    connection.send(frame(RST_STREAM, 0, stream, uint32(ErrorCode.NO_ERROR))),
  ),
  late('REFUSED_STREAM, too late', 'broken', (connection, stream) =>
    connection.send(frame(RST_STREAM, 0, stream, uint32(ErrorCode.REFUSED_STREAM))),
  ),
  late('trailers', 'served', (connection, stream) =>
    connection.headers(stream, [['x-check', 'sum']], END_STREAM),
  ),
];

const streams: Misbehaviour[] = [
  {
    rule: 'REFUSED_STREAM',
    does: (connection, stream) =>
      connection.send(frame(RST_STREAM, 0, stream, uint32(ErrorCode.REFUSED_STREAM))),
    end: 'served',
    method: 'POST',
  },
  ...(['GET', 'POST'] as const).map((method) => ({
    rule: `INTERNAL_ERROR for ${method}`,
    does: (connection: RawHttp2, stream: number) =>
      connection.send(frame(RST_STREAM, 0, stream, uint32(ErrorCode.INTERNAL_ERROR))),
    end: 'upstream_closed' as const,
    method,
  })),
  ofStream('WINDOW_UPDATE of 0', 'upstream_bad_response', (connection, stream) =>
    connection.send(frame(WINDOW_UPDATE, 0, stream, uint32(0))),
  ),
  ofStream('a window beyond 2^31 - 1', 'upstream_bad_response', (connection, stream) =>
    connection.send(frame(WINDOW_UPDATE, 0, stream, uint32(2 ** 31 - 1))),
  ),
  ofStream('what comes after its end is passed over', 'served', (connection, stream) => {
    ok(connection, stream);
    connection.send(frame(WINDOW_UPDATE, 0, stream, uint32(1)));
    connection.send(frame(RST_STREAM, 0, stream, uint32(ErrorCode.NO_ERROR)));
  }),
  ofStream('a head in many frames', 'served', (connection, stream) => {
    const [first] = fieldFrames(stream, Buffer.from([0x88, 0, 1, 0x78, 1, 0x79]));
    const octets = first!.subarray(9);
    connection.send(frame(HEADERS, 0, stream, octets.subarray(0, 2)));
    connection.send(frame(CONTINUATION, 0, stream, octets.subarray(2, 4)));
    connection.send(frame(CONTINUATION, 4, stream, octets.subarray(4)));
    connection.data(stream, 'ok', END_STREAM);
  }),
];

const {
  COMPRESSION_ERROR,
  ENHANCE_YOUR_CALM,
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
} = ErrorCode;

/** Too much of one frame, in one write. */
function flood(
  rule: string,
  count: number,
  one: (stream: number) => Buffer,
  first: (stream: number) => Buffer = () => Buffer.alloc(0),
): Misbehaviour {
  return ofConnection(`${rule} without end`, ENHANCE_YOUR_CALM, (connection, stream) => {
    connection.send(first(stream), ...Array.from({ length: count }, () => one(stream)));
  });
}

const connections: Misbehaviour[] = [
  ofConnection('PUSH_PROMISE', PROTOCOL_ERROR, (connection, stream) =>
    connection.send(
      frame(PUSH_PROMISE, 4, stream, Buffer.concat([uint32(2), Buffer.from([0x82])])),
    ),
  ),
  ofConnection('HEADERS on a stream of its own', PROTOCOL_ERROR, (connection) => ok(connection, 2)),
  ofConnection('HEADERS on a stream that is idle', PROTOCOL_ERROR, (connection) =>
    ok(connection, 99),
  ),
  ofConnection('DATA on a stream that is idle', PROTOCOL_ERROR, (connection) =>
    connection.data(99, 'content'),
  ),
  ofConnection('DATA on stream 0', PROTOCOL_ERROR, (connection) => connection.data(0, 'content')),
  ofConnection('a frame that is too long', FRAME_SIZE_ERROR, (connection, stream) =>
    connection.data(stream, Buffer.alloc(16_385)),
  ),
  ofConnection('HTTP/1.1', FRAME_SIZE_ERROR, (connection) =>
    connection.send(Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')),
  ),
  ofConnection('a field block that is none', COMPRESSION_ERROR, (connection, stream) =>
    connection.send(frame(HEADERS, 4, stream, Buffer.from([0x88, 0xff, 0xff]))),
  ),
  ofConnection('ENABLE_PUSH', PROTOCOL_ERROR, (connection) =>
    connection.send(frame(SETTINGS, 0, 0, settings([2, 1]))),
  ),
  ofConnection('the window of the connection beyond 2^31 - 1', FLOW_CONTROL_ERROR, (connection) =>
    connection.send(frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1))),
  ),
  flood('PING', 1_000, () => frame(PING, 0, 0, Buffer.alloc(8))),
  flood('SETTINGS', 100, () => frame(SETTINGS, 0, 0)),
  flood('acknowledgements', 100, () => frame(SETTINGS, ACK, 0)),
  flood(
    'CONTINUATION',
    100,
    (stream) => frame(CONTINUATION, 0, stream),
    (stream) => frame(HEADERS, 0, stream, Buffer.from([0x88])),
  ),
  flood(
    'DATA of nothing',
    1_000,
    (stream) => frame(DATA, 0, stream),
    (stream) => frame(HEADERS, END_HEADERS, stream, Buffer.from([0x88])),
  ),
];

/** Where the connection goes, and only what was not looked at is sent again. */
const goings: Misbehaviour[] = [
  {
    rule: 'GOAWAY that did not look at it',
    does: (connection) => connection.send(frame(GOAWAY, 0, 0, uint32(0, 0))),
    end: 'served',
    others: 'sentAgain',
    method: 'POST',
  },
  {
    rule: 'GOAWAY that will answer it',
    does: (connection, stream) => {
      connection.send(frame(GOAWAY, 0, 0, uint32(stream, 0)));
      ok(connection, stream);
    },
    end: 'served',
    method: 'POST',
  },
  {
    rule: 'GOAWAY, and the end',
    does: (connection, stream) => {
      connection.send(frame(GOAWAY, 0, 0, uint32(stream, 2)));
      connection.socket.end();
    },
    end: 'upstream_closed',
    others: 'lost',
    method: 'POST',
  },
  {
    rule: 'the end without a word',
    does: (connection) => connection.close(),
    end: 'upstream_closed',
    others: 'lost',
    method: 'POST',
  },
];

async function finalResponse(client: RawClient, headOnly: boolean): Promise<SeenResponse> {
  for (;;) {
    const response = await client.response(headOnly);
    if (response.status >= 200) return response;
  }
}

/** A gateway before the misbehaving service; on the same connection another request waits. */
async function run({
  does,
  end,
  goAway,
  others = 'answered',
  method = 'GET',
}: Misbehaviour): Promise<void> {
  using origin = await RawHttp2Origin.listen();
  const config = oneRegion(origin.port);
  config.services!.s = { ...config.services!.s!, protocol: 'http2' };
  const started = await startGateway({ config });
  let other: RawHttp2 | undefined;
  let done = false;
  origin.respond = ({ connection, stream, block }) => {
    if (block.includes('/other') && !done) other ??= connection;
    else if (done) ok(connection, stream);
    else {
      done = true;
      does(connection, stream);
    }
  };
  try {
    using bystander = await RawClient.connect(started.port);
    using client = await RawClient.connect(started.port);
    bystander.send('GET /other HTTP/1.1\r\nHost: a\r\n\r\n');
    await origin.arrived(1);
    client.send(
      `${method} / HTTP/1.1\r\nHost: a\r\n${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`,
    );
    if (end === 'broken') {
      const received = await client.rest();
      assert.match(received, /^HTTP\/1\.1 200 /);
      assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
    } else {
      const { status: code, body } = await finalResponse(client, method === 'HEAD');
      if (end === 'served') assert.equal(code, 200);
      else if (method === 'HEAD') assert.equal(code, 502);
      else assert.equal(JSON.parse(body).code, end);
    }
    assert.ok(other);
    if (goAway === undefined) {
      if (others === 'answered') ok(other, 1);
      assert.equal((await bystander.response()).status, others === 'lost' ? 502 : 200);
    } else {
      assert.equal(await other.goAway(), goAway);
      await other.whenClosed();
      assert.equal((await bystander.response()).status, 502);
    }
    assert.deepEqual(started.defects, []);
  } finally {
    await started.gateway.close();
  }
}

const tables = {
  'a response head that is none': heads,
  'a response that goes wrong after its head': rests,
  'a stream that ends otherwise': streams,
  'an error of the connection': connections,
  'a connection that goes': goings,
};

for (const [name, cases] of Object.entries(tables)) {
  describe(`from a service: ${name}`, () => {
    for (const one of cases) test(one.rule, () => run(one));
  });
}
