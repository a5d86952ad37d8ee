import { ErrorCode } from '../../../src/gateway/http2/http2-error.ts';
import { get, type Http2Case, type Http2Tables, post } from '../http2-cases.ts';
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  frameTypes,
  PADDED,
  PRIORITY_FLAG,
  type RawHttp2,
  settings,
  uint32,
} from '../raw-http2.ts';

const types = frameTypes;
const { CONTINUATION, DATA, HEADERS, PING, SETTINGS, WINDOW_UPDATE } = frameTypes;
const { FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } = ErrorCode;
const request = block(get());
const octets = (...values: number[]) => Buffer.from(values);

/** One frame is sent, alone or after the head of a request that is to have content. */
function sends(
  rule: string,
  goAway: number,
  type: number,
  flags: number,
  stream: number,
  payload: Buffer,
  after = false,
): Http2Case {
  const does = (client: RawHttp2) => {
    if (after) client.headers(1, post('/never'));
    client.send(frame(type, flags, stream, payload));
  };
  return { rule, does, gets: { goAway } };
}

const data: Http2Case[] = [
  sends('on stream 0', PROTOCOL_ERROR, types.DATA, 0, 0, octets(1, 2, 3)),
  sends('padding as long as its frame', PROTOCOL_ERROR, DATA, PADDED, 1, octets(4, 0, 0, 0), true),
  sends('padding without its length', FRAME_SIZE_ERROR, DATA, PADDED, 1, octets(), true),
];

const headers: Http2Case[] = [
  sends('on stream 0', PROTOCOL_ERROR, HEADERS, 5, 0, request),
  sends('padding longer than its frame', PROTOCOL_ERROR, HEADERS, 5 | PADDED, 1, octets(2, 0x82)),
  sends('padding without its length', FRAME_SIZE_ERROR, HEADERS, 5 | PADDED, 1, octets()),
  sends('half of a priority', FRAME_SIZE_ERROR, HEADERS, 5 | PRIORITY_FLAG, 1, octets(0, 0, 0, 1)),
];

const priority: Http2Case[] = [
  sends('on stream 0', PROTOCOL_ERROR, types.PRIORITY, 0, 0, Buffer.alloc(5)),
  sends('of 4 octets', FRAME_SIZE_ERROR, types.PRIORITY, 0, 1, Buffer.alloc(4)),
];

const reset: Http2Case[] = [
  sends('on stream 0', PROTOCOL_ERROR, types.RST_STREAM, 0, 0, uint32(8)),
  sends('of 3 octets', FRAME_SIZE_ERROR, types.RST_STREAM, 0, 1, Buffer.alloc(3), true),
];

const connectionSettings: Http2Case[] = [
  sends('acknowledged with a payload', FRAME_SIZE_ERROR, SETTINGS, ACK, 0, settings([4, 1])),
  sends('on a stream', PROTOCOL_ERROR, SETTINGS, 0, 1, settings([3, 100])),
  sends('of 3 octets', FRAME_SIZE_ERROR, SETTINGS, 0, 0, octets(0, 3, 0)),
  sends('ENABLE_PUSH of 2', PROTOCOL_ERROR, SETTINGS, 0, 0, settings([2, 2])),
  sends('INITIAL_WINDOW_SIZE of 2^31', FLOW_CONTROL_ERROR, SETTINGS, 0, 0, settings([4, 2 ** 31])),
  sends('MAX_FRAME_SIZE of 2^14 - 1', PROTOCOL_ERROR, SETTINGS, 0, 0, settings([5, 16_383])),
  sends('MAX_FRAME_SIZE of 2^24', PROTOCOL_ERROR, SETTINGS, 0, 0, settings([5, 2 ** 24])),
  {
    rule: 'each is acknowledged',
    does: async (client) => {
      client.send(frame(SETTINGS, 0, 0, settings([3, 100])), frame(SETTINGS, 0, 0));
      await client.next(({ type, flags }) => type === SETTINGS && flags === ACK);
      await client.next(({ type, flags }) => type === SETTINGS && flags === ACK);
    },
    gets: 'ignored',
  },
  {
    rule: 'of several values of one the last counts',
    does: async (client) => {
      client.send(frame(SETTINGS, 0, 0, settings([4, 2 ** 31 - 1], [4, 1])));
      client.headers(1, get('/kilobyte'), END_STREAM);
      await part(client, 1);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(2_000)));
    },
    gets: { status: 200 },
  },
];

const others: Http2Case[] = [
  sends('PUSH_PROMISE', PROTOCOL_ERROR, types.PUSH_PROMISE, 4, 1, uint32(2), true),
  sends('PING on a stream', PROTOCOL_ERROR, PING, 0, 1, Buffer.alloc(8)),
  sends('PING of 6 octets', FRAME_SIZE_ERROR, PING, 0, 0, Buffer.alloc(6)),
  sends('GOAWAY on a stream', PROTOCOL_ERROR, types.GOAWAY, 0, 1, Buffer.alloc(8)),
  sends('GOAWAY of 7 octets', FRAME_SIZE_ERROR, types.GOAWAY, 0, 0, Buffer.alloc(7)),
  {
    rule: 'PING is answered with its octets, an answer not again',
    does: async (client) => {
      client.send(frame(PING, ACK, 0, Buffer.from('no reply')));
      client.send(frame(PING, 0, 0, Buffer.from('a reply!')));
      const { flags, payload } = await client.nextOf(PING);
      if (flags !== ACK || payload.toString() !== 'a reply!') throw new Error('not so');
    },
    gets: 'ignored',
  },
];

const field = block([['x-more', 'y']]);

const continuation: Http2Case[] = [
  sends('on stream 0', PROTOCOL_ERROR, CONTINUATION, END_HEADERS, 0, field),
  {
    rule: 'after HEADERS that were whole',
    does: (client) => {
      client.headers(1, get('/never'));
      client.send(frame(CONTINUATION, END_HEADERS, 1, field));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'after a CONTINUATION that was the last',
    does: (client) => {
      client.send(frame(HEADERS, 0, 1, request), frame(CONTINUATION, END_HEADERS, 1, field));
      client.send(frame(CONTINUATION, END_HEADERS, 1, field));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'after DATA',
    does: (client) => {
      client.headers(1, post('/never'));
      client.data(1, 'content');
      client.send(frame(CONTINUATION, END_HEADERS, 1, field));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'a field block interrupted by DATA',
    does: (client) => {
      client.send(frame(HEADERS, END_STREAM, 1, request), frame(CONTINUATION, 0, 1, field));
      client.data(1, 'content');
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
];

/** DATA of so many octets, without an end. */
async function part(client: RawHttp2, length: number, stream = 1): Promise<void> {
  const { payload, flags } = await client.nextOf(DATA, stream);
  if (payload.length !== length || flags !== 0) throw new Error(`DATA of ${payload.length}`);
}

const windows: Http2Case[] = [
  sends('WINDOW_UPDATE of 0', PROTOCOL_ERROR, WINDOW_UPDATE, 0, 0, uint32(0)),
  sends('WINDOW_UPDATE of 3 octets', FRAME_SIZE_ERROR, WINDOW_UPDATE, 0, 0, Buffer.alloc(3)),
  sends(
    'the window of the connection beyond 2^31 - 1',
    FLOW_CONTROL_ERROR,
    WINDOW_UPDATE,
    0,
    0,
    uint32(2 ** 31 - 1),
  ),
  {
    rule: 'WINDOW_UPDATE of 0 for a stream',
    does: (client) => {
      client.headers(1, get('/never'), END_STREAM);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(0)));
    },
    gets: { reset: PROTOCOL_ERROR },
  },
  {
    rule: 'the window of a stream beyond 2^31 - 1',
    does: (client) => {
      client.headers(1, get('/never'), END_STREAM);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1)));
    },
    gets: { reset: FLOW_CONTROL_ERROR },
  },
  {
    rule: 'the reserved bit of an increment is ignored',
    does: (client) => client.send(frame(WINDOW_UPDATE, 0, 0, uint32(0x80000001))),
    gets: 'ignored',
  },
  {
    rule: 'a window of one octet is kept',
    does: async (client) => {
      client.send(frame(SETTINGS, 0, 0, settings([4, 1])));
      client.headers(1, get('/kilobyte'), END_STREAM);
      await part(client, 1);
      for (let octet = 2; octet <= 9; octet++) {
        client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
        await part(client, 1);
      }
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1_015)));
    },
    gets: { status: 200 },
  },
  {
    rule: 'a window that opens later lets go what waited',
    does: async (client) => {
      client.send(frame(SETTINGS, 0, 0, settings([4, 0])));
      client.headers(1, get('/kilobyte'), END_STREAM);
      await client.nextOf(HEADERS, 1).then((head) => void client.frames.push(head));
      client.send(frame(SETTINGS, 0, 0, settings([4, 1])));
      await part(client, 1);
      client.send(frame(SETTINGS, 0, 0, settings([4, 65_535])));
    },
    gets: { status: 200 },
  },
  {
    rule: 'a window below zero is counted',
    does: async (client) => {
      client.send(frame(SETTINGS, 0, 0, settings([4, 100])));
      client.headers(1, get('/kilobyte'), END_STREAM);
      await part(client, 100);
      // 100 were used: it is 70 short of one octet, and no more than 30 come of 100.
      client.send(frame(SETTINGS, 0, 0, settings([4, 30])));
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(70)));
      await client.settled();
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(30)));
      await part(client, 30);
      client.send(frame(SETTINGS, 0, 0, settings([4, 65_535])));
    },
    gets: { status: 200 },
  },
  {
    rule: 'INITIAL_WINDOW_SIZE that makes the window of a stream too large',
    does: (client) => {
      client.headers(1, get('/never'), END_STREAM);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(2 ** 31 - 1 - 65_535)));
      client.send(frame(SETTINGS, 0, 0, settings([4, 65_536])));
    },
    gets: { goAway: FLOW_CONTROL_ERROR },
  },
];

/** By section. */
export const framesRules: Http2Tables = {
  'RFC 9113 section 6.1: DATA': data,
  'RFC 9113 section 6.2: HEADERS': headers,
  'RFC 9113 section 6.3: PRIORITY': priority,
  'RFC 9113 section 6.4: RST_STREAM': reset,
  'RFC 9113 section 6.5: SETTINGS': connectionSettings,
  'RFC 9113 sections 6.6 to 6.8: PUSH_PROMISE, PING, GOAWAY': others,
  'RFC 9113 section 6.9: flow control': windows,
  'RFC 9113 section 6.10: CONTINUATION': continuation,
};
