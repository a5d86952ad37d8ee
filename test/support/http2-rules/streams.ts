import assert from 'node:assert/strict';
import { ErrorCode } from '../../../src/gateway/http2/http2-error.ts';
import { get, type Http2Case, type Http2Tables, post } from '../http2-cases.ts';
import {
  block,
  END_HEADERS,
  END_STREAM,
  frame,
  frameTypes,
  PRIORITY_FLAG,
  type RawHttp2,
  settings,
  uint32,
} from '../raw-http2.ts';

const { CONTINUATION, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } =
  frameTypes;
const { CANCEL, FRAME_SIZE_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, STREAM_CLOSED } = ErrorCode;
const request = block(get());

const idle: Http2Case[] = [
  {
    rule: 'DATA',
    does: (client) => client.data(1, 'content', END_STREAM),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'RST_STREAM',
    does: (client) => client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'WINDOW_UPDATE',
    does: (client) => client.send(frame(WINDOW_UPDATE, 0, 1, uint32(100))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'CONTINUATION',
    does: (client) => client.send(frame(CONTINUATION, END_HEADERS, 1, request)),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'WINDOW_UPDATE of one that only a server could begin',
    does: (client) => client.send(frame(WINDOW_UPDATE, 0, 2, uint32(100))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'PRIORITY is ignored',
    does: (client) => client.send(frame(PRIORITY, 0, 1, Buffer.alloc(5))),
    gets: 'ignored',
  },
];

/** The client has ended its side, the gateway not. */
const half = (client: RawHttp2) => client.headers(1, get('/never'), END_STREAM);

const halfClosed: Http2Case[] = [
  {
    rule: 'DATA',
    does: (client) => {
      half(client);
      client.data(1, 'content', END_STREAM);
    },
    gets: { reset: STREAM_CLOSED },
  },
  {
    rule: 'HEADERS',
    does: (client) => {
      half(client);
      client.headers(1, get(), END_STREAM);
    },
    gets: { reset: STREAM_CLOSED },
  },
  {
    rule: 'CONTINUATION',
    does: (client) => {
      half(client);
      client.send(frame(CONTINUATION, END_HEADERS, 1, request));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'WINDOW_UPDATE, PRIORITY and RST_STREAM are lawful',
    does: (client) => {
      half(client);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
      client.send(frame(PRIORITY, 0, 1, Buffer.alloc(5)));
      client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL)));
    },
    gets: 'ignored',
  },
];

const taken = (client: RawHttp2) => {
  client.headers(1, get('/never'), END_STREAM);
  client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL)));
};
const done = async (client: RawHttp2) => {
  client.headers(1, get(), END_STREAM);
  await client.answer(1);
};

const closed: Http2Case[] = [
  {
    rule: 'DATA after RST_STREAM of the client',
    does: (client) => {
      taken(client);
      client.data(1, 'content');
    },
    gets: { reset: STREAM_CLOSED },
  },
  {
    rule: 'HEADERS after RST_STREAM of the client',
    does: (client) => {
      taken(client);
      client.headers(1, get(), END_STREAM);
    },
    gets: { goAway: STREAM_CLOSED },
  },
  {
    rule: 'CONTINUATION after RST_STREAM of the client',
    does: (client) => {
      taken(client);
      client.send(frame(CONTINUATION, END_HEADERS, 1, request));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'RST_STREAM and WINDOW_UPDATE after RST_STREAM of the client are ignored',
    does: (client) => {
      taken(client);
      client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL)));
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
    },
    gets: 'ignored',
  },
  {
    rule: 'DATA after the end of both sides',
    does: async (client) => {
      await done(client);
      client.data(1, 'content');
    },
    gets: { reset: STREAM_CLOSED },
  },
  {
    rule: 'HEADERS after the end of both sides',
    does: async (client) => {
      await done(client);
      client.headers(1, get(), END_STREAM);
    },
    gets: { goAway: STREAM_CLOSED },
  },
  {
    rule: 'CONTINUATION after the end of both sides',
    does: async (client) => {
      await done(client);
      client.send(frame(CONTINUATION, END_HEADERS, 1, request));
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'WINDOW_UPDATE, RST_STREAM and PRIORITY after the end of both sides are ignored',
    does: async (client) => {
      await done(client);
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
      client.send(frame(RST_STREAM, 0, 1, uint32(0)));
      client.send(frame(PRIORITY, 0, 1, Buffer.alloc(5)));
    },
    gets: 'ignored',
  },
  {
    rule: 'what was sent before the gateway said RST_STREAM is ignored',
    does: (client) => {
      client.headers(1, post('/never', ['content-length', '1']));
      client.data(1, 'too much');
      client.data(1, 'more');
      client.headers(1, [['x-check', 'sum']], END_STREAM);
    },
    gets: { reset: PROTOCOL_ERROR },
  },
];

const identifiers: Http2Case[] = [
  {
    rule: 'an even one',
    does: (client) => client.headers(2, get(), END_STREAM),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'one below the last',
    does: (client) => {
      client.headers(5, get(), END_STREAM);
      client.headers(3, get(), END_STREAM);
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'one below the last, which was malformed',
    does: (client) => {
      client.headers(5, get('/', ['Upper', 'case']), END_STREAM);
      client.headers(3, get(), END_STREAM);
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'those passed over are closed, not idle',
    does: (client) => {
      client.headers(5, get('/never'), END_STREAM);
      client.send(frame(RST_STREAM, 0, 3, uint32(CANCEL)));
      client.send(frame(WINDOW_UPDATE, 0, 1, uint32(1)));
    },
    gets: 'ignored',
  },
  {
    rule: 'the highest there is',
    does: async (client) => {
      client.headers(0x7fffffff, get(), END_STREAM);
      assert.equal((await client.answer(0x7fffffff)).status, 200);
      client.headers(1, get(), END_STREAM);
    },
    gets: { goAway: PROTOCOL_ERROR, last: 0x7fffffff },
  },
];

const concurrency: Http2Case[] = [
  {
    rule: 'one more than allowed is refused, as one that may be sent again',
    does: (client) => {
      for (let stream = 1; stream < 201; stream += 2) {
        client.headers(stream, get('/never'), END_STREAM);
      }
      client.headers(201, get(), END_STREAM);
      client.send(frame(RST_STREAM, 0, 1, uint32(CANCEL)));
    },
    gets: { reset: REFUSED_STREAM, stream: 201 },
  },
  {
    rule: 'streams that ended leave room for others',
    does: async (client) => {
      for (let stream = 1; stream < 401; stream += 2) {
        client.headers(stream, get(), END_STREAM);
        await client.answer(stream);
      }
      client.headers(401, get(), END_STREAM);
    },
    gets: { status: 200, stream: 401 },
  },
];

const depends = (stream: number) => Buffer.concat([uint32(stream), Buffer.from([15])]);

const priorities: Http2Case[] = [
  {
    rule: 'HEADERS that depend on themselves',
    does: (client) =>
      client.send(frame(HEADERS, 5 | PRIORITY_FLAG, 1, Buffer.concat([depends(1), request]))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'PRIORITY that depends on itself',
    does: (client) => client.send(frame(PRIORITY, 0, 3, depends(3))),
    gets: { goAway: PROTOCOL_ERROR },
  },
];

const errors: Http2Case[] = [
  {
    rule: 'after an error of the connection it is closed, and says by which stream it got',
    does: async (client) => {
      client.headers(7, get(), END_STREAM);
      await client.answer(7);
      client.headers(9, get('/never'), END_STREAM);
      client.send(frame(PING, 0, 0, Buffer.alloc(6)));
    },
    gets: { goAway: FRAME_SIZE_ERROR, last: 9 },
  },
  {
    rule: 'GOAWAY with a code that nobody knows',
    does: (client) => client.send(frame(GOAWAY, 0, 0, uint32(0, 0xff))),
    gets: 'ignored',
  },
  {
    rule: 'RST_STREAM with a code that nobody knows',
    does: (client) => {
      half(client);
      client.send(frame(RST_STREAM, 0, 1, uint32(0xff)));
    },
    gets: 'ignored',
  },
  {
    rule: 'a client that goes away still gets what it asked for',
    does: (client) => {
      client.send(frame(GOAWAY, 0, 0, uint32(0, 0)), frame(SETTINGS, 0, 0, settings()));
      client.headers(1, get(), END_STREAM);
    },
    gets: { status: 200 },
  },
];

/** By section. */
export const streamsRules: Http2Tables = {
  'RFC 9113 section 5.1: idle': idle,
  'RFC 9113 section 5.1: half-closed (remote)': halfClosed,
  'RFC 9113 section 5.1: closed': closed,
  'RFC 9113 section 5.1.1: identifiers': identifiers,
  'RFC 9113 section 5.1.2: how many': concurrency,
  'RFC 7540 section 5.3.1: priorities': priorities,
  'RFC 9113 sections 5.4 and 7: errors': errors,
};
