import assert from 'node:assert/strict';
import { test } from 'node:test';
import { get, post } from '../../../../test/support/http2-cases.ts';
import { BareSession, type KeptStream } from '../../../../test/support/http2-session.ts';
import {
  ACK,
  block,
  END_HEADERS,
  END_STREAM,
  fieldFrames,
  frame,
  frameTypes,
  type RawFrame,
  settings,
  uint32,
} from '../../../../test/support/raw-http2.ts';
import { HpackDecoder } from '../hpack/decoder.ts';
import { defaultFloodBudgets, type FloodLimit } from './floods.ts';
import { StreamLine } from './stream-line.ts';
import { maxStreamId } from './stream-table.ts';

const { CONTINUATION, DATA, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM, SETTINGS, WINDOW_UPDATE } =
  frameTypes;

const request = (id: number, fields = get(), flags = END_STREAM) =>
  Buffer.concat(fieldFrames(id, block(fields), flags));

function answer({ stream }: KeptStream, fields: readonly string[] = []): void {
  stream.head([':status', '200', ...fields]);
  stream.end([]);
  stream.flush();
}

const goneAway = (frames: readonly RawFrame[]) =>
  frames
    .filter(({ type }) => type === GOAWAY)
    .map(({ payload }) => [payload.readUInt32BE(0), payload.readUInt32BE(4)]);

test('a head that is longer than a frame goes in several, and nothing comes between', () => {
  const bare = new BareSession('server');
  bare.receive(request(1), request(3));
  const fields = ['x-long', 'y'.repeat(40_000)];
  answer(bare.streams[0]!, fields);
  answer(bare.streams[1]!);
  const frames = bare.sent();
  assert.deepEqual(
    frames.map(({ type, flags, stream }) => [type, flags, stream]),
    [
      [HEADERS, END_STREAM, 1],
      [CONTINUATION, 0, 1],
      [CONTINUATION, END_HEADERS, 1],
      [HEADERS, END_STREAM | END_HEADERS, 3],
    ],
  );
  assert.ok(frames.every(({ payload }) => payload.length <= 16_384));
  const octets = Buffer.concat(frames.slice(0, 3).map(({ payload }) => payload));
  const limits = { fieldBytes: 100_000, fieldCount: 100 };
  const decoded = new HpackDecoder().decode(octets, 0, octets.length, limits);
  assert.deepEqual(decoded.fields, [':status', '200', ...fields]);
});

test('a session that leaves takes what met its word, and nothing after the peer has heard it', () => {
  const bare = new BareSession('server');
  bare.receive(request(1));
  bare.session.shutdown();
  const said = bare.sent();
  assert.deepEqual(goneAway(said), [[maxStreamId, 0]]);
  const mark = said.find(({ type }) => type === PING)!.payload;
  bare.receive(request(3));
  assert.equal(bare.streams.length, 2);
  bare.receive(frame(PING, ACK, 0, mark), request(5));
  assert.equal(bare.streams.length, 2);
  assert.deepEqual(goneAway(bare.sent()), [[3, 0]]);
  answer(bare.streams[1]!);
  assert.equal(bare.over, undefined);
  answer(bare.streams[0]!);
  assert.deepEqual(bare.over, { code: undefined });
  assert.deepEqual(bare.busy, [true, false]);
});

test('a peer that leaves gives back what it has not looked at, and gets no more', () => {
  const bare = new BareSession('client');
  const { session } = bare;
  const streams = [0, 1, 2].map(() => {
    const kept = bare.open();
    kept.stream.head([':method', 'GET']);
    kept.stream.end([]);
    kept.stream.flush();
    return kept;
  });
  bare.sent();
  let vacanciesThen = -1;
  streams[1]!.onAbort = () => {
    vacanciesThen = session.vacancies;
  };
  bare.receive(frame(GOAWAY, 0, 0, uint32(1, 0)));
  assert.equal(vacanciesThen, 0, 'who is given back is not to come again');
  assert.deepEqual(streams[2]!.ends, [['unprocessed', 0]]);
  assert.deepEqual(streams[0]!.ends, []);
  bare.receive(frame(HEADERS, 5, 1, Buffer.from([0x88])));
  assert.equal(streams[0]!.ended, true);
});

test('streams that an error ends are told when the session is over already', () => {
  const bare = new BareSession('server');
  bare.receive(request(1));
  let over = false;
  bare.streams[0]!.onAbort = () => {
    over = bare.session.over && bare.over !== undefined;
  };
  bare.receive(frame(PING, 0, 0, Buffer.alloc(7)));
  assert.equal(over, true);
  assert.deepEqual(goneAway(bare.sent()), [[1, 6]]);
});

test('DATA for any of the streams that we have dropped is no error, however many', () => {
  const bare = new BareSession('client');
  for (let count = 0; count < 1_000; count++) {
    const { stream } = bare.open();
    stream.head([':method', 'GET']);
    stream.end([]);
    stream.flush();
    stream.reset(8);
  }
  bare.sent();
  for (let id = 1; id < 2_000; id += 2) bare.receive(frame(DATA, 0, id, Buffer.alloc(10)));
  assert.equal(bare.over, undefined);
  assert.deepEqual(bare.sent(), []);
});

test('a line lets go of streams that closed in it, though nobody comes to take them', () => {
  const line = new StreamLine();
  const bare = new BareSession('server', { floods: { ...defaultFloodBudgets, resets: endless } });
  for (let id = 1; id < 10_000; id += 2) {
    bare.receive(request(id));
    line.push(bare.streams.at(-1)!.stream);
    if (id > 1) bare.receive(frame(RST_STREAM, 0, id, uint32(8)));
  }
  assert.equal(line.shift()!.id, 1);
  let left = 0;
  while (line.shift()) left++;
  assert.ok(left < 1_000, `${left} were kept`);
});

const endless = { burst: Number.POSITIVE_INFINITY, perSecond: 0 };

/** Each of these is lawful, and comes in a number in which it is not. */
const floods: Readonly<Record<FloodLimit, (count: number) => Buffer>> = {
  resets: (at) => Buffer.concat([request(2 * at + 1), frame(RST_STREAM, 0, 2 * at + 1, uint32(8))]),
  provokedResets: (at) =>
    Buffer.concat([request(2 * at + 1), frame(WINDOW_UPDATE, 0, 2 * at + 1, uint32(0))]),
  continuations: (at) =>
    at === 0 ? frame(HEADERS, 0, 1, Buffer.from([0x82])) : frame(CONTINUATION, 0, 1),
  settings: () => frame(SETTINGS, 0, 0, settings()),
  pings: () => frame(PING, 0, 0, Buffer.alloc(8)),
  emptyData: (at) =>
    Buffer.concat([at === 0 ? request(1, post(), 0) : '', frame(DATA, 0, 1)].map(Buffer.from)),
  windowUpdates: () => frame(WINDOW_UPDATE, 0, 0, uint32(1)),
  priorities: () => frame(PRIORITY, 0, 1, Buffer.alloc(5)),
  unknownFrames: () => frame(0x20, 0, 0),
};

for (const [limit, one] of Object.entries(floods)) {
  test(`a flood ends the session: ${limit}`, () => {
    const bare = new BareSession('server');
    const { burst } =
      limit === 'continuations' ? { burst: 17 } : defaultFloodBudgets[limit as 'pings'];
    let sent = 0;
    while (!bare.over && sent < 10_000) bare.receive(one(sent++));
    assert.deepEqual(bare.over, { code: 11 });
    assert.deepEqual(bare.floods, [limit]);
    assert.ok(Math.abs(sent - burst) <= 1, `after ${sent}`);
  });

  if (limit === 'continuations') continue;
  test(`in the time that it takes it is none: ${limit}`, () => {
    const bare = new BareSession('server');
    const { perSecond } = defaultFloodBudgets[limit as 'pings'];
    for (let at = 0; at < 2_500; at++) {
      bare.nowMs += 1_000 / perSecond;
      bare.receive(one(at));
      bare.sent();
    }
    assert.equal(bare.over, undefined);
  });
}
