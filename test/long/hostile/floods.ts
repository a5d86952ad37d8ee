import {
  block,
  END_STREAM,
  type FieldPairs,
  fieldFrames,
  frame,
  frameTypes,
  preface,
  settings,
  uint32,
} from '../../support/raw-http2.ts';

const { CONTINUATION, DATA, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } =
  frameTypes;

const fields = (method: string, path: string): FieldPairs => [
  [':method', method],
  [':scheme', 'http'],
  [':path', path],
  [':authority', 'a'],
];
const get = block(fields('GET', '/'));
const post = block(fields('POST', '/'));
/** Of a mebibyte: more would keep the service itself busy. */
const large = block(fields('GET', '/less'));

/** What a connection begins with. */
export const greeting: Buffer = Buffer.concat([preface, frame(SETTINGS, 0, 0)]);

const request = (stream: number, octets = get, flags = END_STREAM) =>
  Buffer.concat(fieldFrames(stream, octets, flags));

/** So many times what that says of each number from 0. */
function times(count: number, one: (at: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, at) => one(at)));
}

/** Each on a stream of its own. */
const streams = (count: number, one: (stream: number) => Buffer) =>
  times(count, (at) => one(2 * at + 1));

/** "x: yyy…" of 4,000 octets into the table, then an octet for each time that it is to be looked up. */
function bomb(first: Buffer): Buffer {
  const value = Buffer.alloc(4_000, 'y');
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), value]);
  const lookups = Buffer.alloc(60_000, 0xbe);
  return Buffer.concat([
    request(1, Buffer.concat([get, first])),
    request(3, Buffer.concat([get, entry])),
    streams(20, (stream) => request(stream + 4, Buffer.concat([get, lookups]))),
  ]);
}

/**
 * What each connection of a flood sends after its greeting, and by which limit it ends; '': by none,
 * what it asks for is answered.
 */
export const floods = {
  rapidReset: {
    limit: 'resets',
    octets: streams(2_000, (stream) =>
      Buffer.concat([request(stream), frame(RST_STREAM, 0, stream, uint32(8))]),
    ),
  },
  provokedResets: {
    limit: 'provokedResets',
    octets: streams(2_000, (stream) =>
      Buffer.concat([request(stream), frame(WINDOW_UPDATE, 0, stream, uint32(0))]),
    ),
  },
  continuations: {
    limit: 'continuations',
    octets: Buffer.concat([
      frame(HEADERS, END_STREAM, 1, get),
      times(1_000, () => frame(CONTINUATION, 0, 1, Buffer.alloc(1_000, 0x86))),
    ]),
  },
  settings: {
    limit: 'settings',
    octets: times(20_000, () => frame(SETTINGS, 0, 0, settings([4, 1]))),
  },
  pings: { limit: 'pings', octets: times(20_000, () => frame(PING, 0, 0, Buffer.alloc(8))) },
  emptyData: {
    limit: 'emptyData',
    octets: Buffer.concat([request(1, post, 0), times(20_000, () => frame(DATA, 0, 1))]),
  },
  windowUpdates: {
    limit: 'windowUpdates',
    octets: times(20_000, () => frame(WINDOW_UPDATE, 0, 0, uint32(1))),
  },
  priorities: {
    limit: 'priorities',
    octets: streams(20_000, (stream) => frame(PRIORITY, 0, stream, Buffer.alloc(5))),
  },
  unknownFrames: { limit: 'unknownFrames', octets: times(20_000, () => frame(0x20, 0, 0)) },
  /** Of which the second has first put something malformed into the table. */
  bomb: { limit: '', octets: bomb(Buffer.alloc(0)) },
  taintedBomb: { limit: '', octets: bomb(Buffer.from('\x40\x01X\x01y', 'latin1')) },
  /** Content octet by octet, each in a frame with as much padding as can be. */
  dribble: {
    limit: '',
    octets: Buffer.concat([
      request(1, post, 0),
      times(200, () => frame(DATA, 8, 1, Buffer.from([254, ...Buffer.alloc(255)]))),
    ]),
  },
} as const satisfies Readonly<Record<string, { readonly limit: string; readonly octets: Buffer }>>;

/** As many large responses as a connection may ask for, none of which it lets come. */
export const closedWindows: Buffer = Buffer.concat([
  preface,
  frame(SETTINGS, 0, 0, settings([4, 0])),
  streams(100, (stream) => request(stream, large)),
]);
