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
  preface,
  settings,
  uint32,
} from '../raw-http2.ts';

const { CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS } = frameTypes;
const { COMPRESSION_ERROR, FRAME_SIZE_ERROR, PROTOCOL_ERROR } = ErrorCode;
const request = block(get());

const starting: Http2Case[] = [
  {
    rule: 'the preface, SETTINGS and a request in one go',
    fresh: true,
    does: (client) => {
      client.send(preface, frame(SETTINGS, 0, 0, settings([1, 0])));
      client.headers(1, get(), END_STREAM);
    },
    gets: { status: 200 },
  },
  {
    rule: 'a preface that goes wrong at its end is a bad request of HTTP/1.1',
    fresh: true,
    does: (client) => client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r', 'latin1')),
    gets: 'closed',
  },
  {
    rule: 'no SETTINGS after the preface',
    fresh: true,
    does: (client) => client.send(preface, frame(PING, 0, 0, Buffer.alloc(8))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'an acknowledgement in place of the first SETTINGS',
    fresh: true,
    does: (client) => client.send(preface, frame(SETTINGS, ACK, 0)),
    gets: { goAway: PROTOCOL_ERROR },
  },
];

const format: Http2Case[] = [
  {
    rule: 'a frame of an unknown type is ignored',
    does: (client) => client.send(frame(0x16, 0xff, 0, Buffer.alloc(8))),
    gets: 'ignored',
  },
  {
    rule: 'a frame of an unknown type on a stream that is idle is ignored',
    does: (client) => client.send(frame(0x16, 0, 9, Buffer.alloc(0))),
    gets: 'ignored',
  },
  {
    rule: 'flags that a type does not have are ignored',
    does: (client) => client.send(frame(PING, 0x16, 0, Buffer.alloc(8))),
    gets: 'ignored',
  },
  {
    rule: 'the reserved bit of the stream is ignored',
    does: (client) => client.send(frame(HEADERS, END_HEADERS | END_STREAM, 0x80000001, request)),
    gets: { status: 200 },
  },
];

const size: Http2Case[] = [
  {
    rule: 'DATA of 2^14 octets',
    does: (client) => {
      client.headers(1, post());
      client.data(1, Buffer.alloc(16_384), END_STREAM);
    },
    gets: { status: 200 },
  },
  {
    rule: 'DATA of more',
    does: (client) => {
      client.headers(1, post());
      client.data(1, Buffer.alloc(16_385), END_STREAM);
    },
    gets: { goAway: FRAME_SIZE_ERROR },
  },
  {
    rule: 'HEADERS of more',
    does: (client) => client.send(frame(HEADERS, 5, 1, Buffer.alloc(16_385))),
    gets: { goAway: FRAME_SIZE_ERROR },
  },
  {
    rule: 'a frame of an unknown type of more',
    does: (client) => client.send(frame(0x16, 0, 0, Buffer.alloc(16_385))),
    gets: { goAway: FRAME_SIZE_ERROR },
  },
];

const compression: Http2Case[] = [
  {
    rule: 'a field block that is none',
    does: (client) => client.send(frame(HEADERS, 5, 1, Buffer.from([0x40, 0x81, 0xff]))),
    gets: { goAway: COMPRESSION_ERROR },
  },
  {
    rule: 'PRIORITY within a field block',
    does: (client) =>
      client.send(frame(HEADERS, END_STREAM, 1, request), frame(PRIORITY, 0, 1, Buffer.alloc(5))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'HEADERS of another stream within a field block',
    does: (client) => {
      client.send(frame(HEADERS, END_STREAM, 1, request));
      client.headers(3, get(), END_STREAM);
    },
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'CONTINUATION of another stream within a field block',
    does: (client) =>
      client.send(
        frame(HEADERS, END_STREAM, 1, request),
        frame(CONTINUATION, END_HEADERS, 3, block([['x', 'y']])),
      ),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'a field block of a stream that was refused still counts',
    does: (client) => {
      // "x-first: one" goes into the table with a request that is malformed, and comes out of it.
      const first = Buffer.from('\x40\x07x-first\x03one', 'latin1');
      client.send(frame(HEADERS, 5, 1, Buffer.concat([block([[':bad', '']]), first])));
      client.send(frame(HEADERS, 5, 3, Buffer.concat([request, Buffer.from([0xbe])])));
    },
    gets: { reset: PROTOCOL_ERROR },
  },
];

const extensions: Http2Case[] = [
  {
    rule: 'an unknown frame within a field block',
    does: (client) =>
      client.send(frame(HEADERS, END_STREAM, 1, request), frame(0x16, 0, 0, Buffer.alloc(8))),
    gets: { goAway: PROTOCOL_ERROR },
  },
  {
    rule: 'an unknown setting is ignored',
    does: (client) => client.send(frame(SETTINGS, 0, 0, settings([0xff, 1]))),
    gets: 'ignored',
  },
];

const padded = (octets: Buffer, padding: number) =>
  Buffer.concat([Buffer.from([padding]), octets, Buffer.alloc(padding)]);
const prioritised = (stream: number, weight: number) =>
  Buffer.concat([uint32(stream), Buffer.from([weight])]);

/** What must be understood. */
const lawful: Http2Case[] = [
  {
    rule: 'HEADERS with padding',
    does: (client) => client.send(frame(HEADERS, 5 | PADDED, 1, padded(request, 7))),
    gets: { status: 200 },
  },
  {
    rule: 'HEADERS with a priority',
    does: (client) =>
      client.send(
        frame(HEADERS, 5 | PRIORITY_FLAG, 1, Buffer.concat([prioritised(0, 255), request])),
      ),
    gets: { status: 200 },
  },
  {
    rule: 'HEADERS with padding and an exclusive priority',
    does: (client) => {
      const octets = Buffer.concat([prioritised(0x80000000, 0), request]);
      client.send(frame(HEADERS, 5 | PADDED | PRIORITY_FLAG, 1, padded(octets, 255)));
    },
    gets: { status: 200 },
  },
  {
    rule: 'PRIORITY of a stream that is idle, and HEADERS of a lower one',
    does: (client) => {
      client.send(frame(PRIORITY, 0, 5, prioritised(0, 1)));
      client.headers(1, get(), END_STREAM);
    },
    gets: { status: 200 },
  },
  {
    rule: 'a request in HEADERS and CONTINUATIONs, one of them empty',
    does: (client) =>
      client.send(
        frame(HEADERS, END_STREAM, 1, request.subarray(0, 3)),
        frame(CONTINUATION, 0, 1),
        frame(CONTINUATION, 0, 1, request.subarray(3, 9)),
        frame(CONTINUATION, END_HEADERS, 1, request.subarray(9)),
      ),
    gets: { status: 200 },
  },
  {
    rule: 'POST in several DATA, one of them empty, one of padding only',
    does: (client) => {
      client.headers(1, post('/', ['content-length', '6']));
      client.data(1, 'one');
      client.data(1, '');
      client.send(frame(DATA, PADDED, 1, padded(Buffer.alloc(0), 9)));
      client.send(frame(DATA, PADDED | END_STREAM, 1, padded(Buffer.from('two'), 9)));
    },
    gets: { status: 200 },
  },
  {
    rule: 'POST with trailers',
    does: (client) => {
      client.headers(1, post());
      client.data(1, 'content');
      client.headers(1, [['x-check', 'sum']], END_STREAM);
    },
    gets: { status: 200 },
  },
  {
    rule: 'HEAD',
    does: (client) => {
      const [, ...others] = get('/kilobyte');
      client.headers(1, [[':method', 'HEAD'], ...others], END_STREAM);
    },
    gets: { status: 200 },
  },
  {
    rule: 'OPTIONS of everything',
    does: (client) => {
      const [, scheme, , authority] = get();
      client.headers(1, [[':method', 'OPTIONS'], scheme!, [':path', '*'], authority!], END_STREAM);
    },
    gets: { status: 204 },
  },
  {
    rule: 'RST_STREAM of a request under way',
    does: (client) => {
      client.headers(1, get('/never'), END_STREAM);
      client.send(frame(RST_STREAM, 0, 1, uint32(8)));
    },
    gets: 'ignored',
  },
];

/** By section. */
export const framingRules: Http2Tables = {
  'RFC 9113 section 3.4: how it begins': starting,
  'RFC 9113 section 4.1: the form of a frame': format,
  'RFC 9113 section 4.2: its size': size,
  'RFC 9113 section 4.3: field blocks': compression,
  'RFC 9113 section 5.5: what is not known': extensions,
  'RFC 9113 section 6: what is lawful': lawful,
};
