import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FrameReader } from './frame-reader.ts';
import {
  ACK,
  CONTINUATION,
  clientPreface,
  DATA,
  END_HEADERS,
  END_STREAM,
  type FrameHandler,
  GOAWAY,
  HEADERS,
  PADDED,
  PING,
  PRIORITY,
  PRIORITY_FLAG,
  PUSH_PROMISE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frames.ts';
import { ErrorCode, Http2Error, violate } from './http2-error.ts';

/** What a reader says, in words; content of one frame in one piece, however it came. */
class Recorder implements FrameHandler {
  readonly events: string[] = [];
  #content = '';

  onDataBegin(streamId: number, length: number): void {
    this.events.push(`data begins ${streamId} ${length}`);
    this.#content = '';
  }
  onData(bytes: Buffer, start: number, end: number): void {
    assert.ok(end > start);
    this.#content += bytes.toString('latin1', start, end);
  }
  onDataEnd(streamId: number, ends: boolean, length: number, padding: number): void {
    this.events.push(`data ${streamId} ${length} ${padding} ${ends} "${this.#content}"`);
  }
  onHeaders(streamId: number, block: Buffer, start: number, end: number, ends: boolean): void {
    this.events.push(`headers ${streamId} ${ends} "${block.toString('latin1', start, end)}"`);
  }
  onPriority(streamId: number): void {
    this.events.push(`priority ${streamId}`);
  }
  onRstStream(streamId: number, code: number): void {
    this.events.push(`reset ${streamId} ${code}`);
  }
  onSettings(bytes: Buffer, start: number, end: number): void {
    this.events.push(`settings ${bytes.toString('hex', start, end)}`);
  }
  onSettingsAck(): void {
    this.events.push('settings ack');
  }
  onPing(bytes: Buffer, start: number, ack: boolean): void {
    this.events.push(`ping ${ack} ${bytes.toString('latin1', start, start + 8)}`);
  }
  onGoAway(lastStreamId: number, code: number): void {
    this.events.push(`goaway ${lastStreamId} ${code}`);
  }
  onWindowUpdate(streamId: number, increment: number): void {
    this.events.push(`window ${streamId} ${increment}`);
  }
  onUnknown(type: number): void {
    this.events.push(`unknown ${type}`);
  }
}

function frame(type: number, flags: number, streamId: number, ...payload: (string | number)[]) {
  const parts = payload.map((part) =>
    typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from([part]),
  );
  const content = Buffer.concat(parts);
  const header = Buffer.alloc(9);
  header.writeUIntBE(content.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(streamId, 5);
  return Buffer.concat([header, content]);
}

/** The frame with another length in its header. */
function claiming(length: number, bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUIntBE(length, 0, 3);
  return changed;
}

function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

/**
 * What becomes of `bytes`, cut at `places`. Each piece lies somewhere in memory of its own, which is
 * overwritten once it was read.
 */
function outcome(
  bytes: Buffer,
  places: readonly number[],
  { preface = false, blockBytes = 64 } = {},
): string[] {
  const recorder = new Recorder();
  const reader = new FrameReader(recorder, {
    preface,
    blockBytes,
    onBlockTooLarge: () => violate(ErrorCode.ENHANCE_YOUR_CALM, 'too large'),
  });
  let from = 0;
  try {
    for (const place of [...places, bytes.length]) {
      const piece = Buffer.concat([
        Buffer.from([4]),
        bytes.subarray(from, place),
        Buffer.from([4]),
      ]);
      reader.read(piece, 1, piece.length - 1);
      piece.fill(0xee);
      from = place;
    }
  } catch (error) {
    assert.ok(error instanceof Http2Error, String(error));
    assert.equal(error.scope, 'connection');
    recorder.events.push(`error ${error.code}`);
  }
  return recorder.events;
}

/** The same however it is split: at each place, and at all of them. */
function assertOutcome(bytes: Buffer, expected: readonly string[], what: string, preface = false) {
  assert.deepEqual(outcome(bytes, [], { preface }), expected, what);
  for (let place = 0; place <= bytes.length; place++) {
    assert.deepEqual(outcome(bytes, [place], { preface }), expected, `${what}, split at ${place}`);
  }
  const everywhere = Array.from({ length: bytes.length }, (_, at) => at);
  assert.deepEqual(outcome(bytes, everywhere, { preface }), expected, `${what}, split everywhere`);
}

const settings = frame(SETTINGS, 0, 0);
const dependency = uint32(3) + String.fromCharCode(15);

const conversation: readonly (readonly [Buffer, ...string[]])[] = [
  [frame(SETTINGS, 0, 0, '\0\x04', uint32(70_000)), 'settings 000400011170'],
  [frame(SETTINGS, ACK, 0), 'settings ack'],
  [frame(HEADERS, END_HEADERS | END_STREAM, 1, 'block'), 'headers 1 true "block"'],
  [frame(HEADERS, END_HEADERS, 3), 'headers 3 false ""'],
  [frame(DATA, 0, 3, 'content'), 'data begins 3 7', 'data 3 7 0 false "content"'],
  [frame(DATA, 0, 3), 'data begins 3 0', 'data 3 0 0 false ""'],
  [frame(DATA, PADDED, 3, 3, 'ab', 0, 0, 0), 'data begins 3 6', 'data 3 6 4 false "ab"'],
  [frame(DATA, PADDED, 3, 0, 'ab'), 'data begins 3 3', 'data 3 3 1 false "ab"'],
  [frame(DATA, PADDED, 3, 0), 'data begins 3 1', 'data 3 1 1 false ""'],
  [frame(DATA, PADDED, 3, 2, 0, 0), 'data begins 3 3', 'data 3 3 3 false ""'],
  [frame(DATA, END_STREAM, 3, 'end'), 'data begins 3 3', 'data 3 3 0 true "end"'],
  [frame(HEADERS, END_HEADERS | PADDED, 5, 2, 'block', 0, 0), 'headers 5 false "block"'],
  [frame(HEADERS, END_HEADERS | PRIORITY_FLAG, 7, dependency, 'b'), 'headers 7 false "b"'],
  [
    frame(HEADERS, END_HEADERS | PADDED | PRIORITY_FLAG | END_STREAM, 9, 1, dependency, 'b', 0),
    'headers 9 true "b"',
  ],
  [frame(HEADERS, END_STREAM | PADDED, 11, 1, 'one ', 0)],
  [frame(CONTINUATION, 0, 11, 'two ')],
  [frame(CONTINUATION, 0, 11)],
  [frame(CONTINUATION, END_HEADERS, 11, 'three'), 'headers 11 true "one two three"'],
  [frame(PRIORITY, 0, 13, dependency), 'priority 13'],
  [frame(RST_STREAM, 0, 5, uint32(8)), 'reset 5 8'],
  [frame(PING, 0, 0, '12345678'), 'ping false 12345678'],
  [frame(PING, ACK, 0, '87654321'), 'ping true 87654321'],
  [frame(WINDOW_UPDATE, 0, 0, uint32(2 ** 31 - 1)), 'window 0 2147483647'],
  [frame(WINDOW_UPDATE, 0, 3, uint32(2 ** 31 + 5)), 'window 3 5'],
  [frame(0xbe, 0xff, 99, 'whatever'), 'unknown 190'],
  [frame(0xbe, 0, 0), 'unknown 190'],
  // Bits that are reserved or not defined for the type mean nothing.
  [frame(PING, 0xfe, 2 ** 31, '12345678'), 'ping false 12345678'],
  [frame(RST_STREAM, 0xff, 2 ** 31 + 7, uint32(2 ** 32 - 1)), 'reset 7 4294967295'],
  [frame(GOAWAY, 0, 0, uint32(2 ** 31 + 7), uint32(2), 'debug data'), 'goaway 7 2'],
  [frame(GOAWAY, 0, 0, uint32(0), uint32(0)), 'goaway 0 0'],
];

test('a conversation, split in any way', () => {
  const bytes = Buffer.concat([clientPreface, ...conversation.map(([one]) => one)]);
  const expected = conversation.flatMap(([, ...events]) => events);
  assertOutcome(bytes, expected, 'conversation', true);
});

test('a frame is told as soon as its last octet is there', () => {
  for (let frames = 0; frames <= conversation.length; frames++) {
    const first = conversation.slice(0, frames);
    const bytes = Buffer.concat(first.map(([one]) => one));
    assert.deepEqual(
      outcome(bytes, []),
      first.flatMap(([, ...events]) => events),
    );
  }
});

test('a violation has its code, wherever it is split, and what came before has been told', () => {
  const { PROTOCOL_ERROR, FRAME_SIZE_ERROR, ENHANCE_YOUR_CALM } = ErrorCode;
  const beginning = frame(HEADERS, 0, 1, 'b');
  for (const [what, bytes, code] of [
    ['DATA on stream 0', frame(DATA, 0, 0, 'a'), PROTOCOL_ERROR],
    ['empty DATA on stream 0', frame(DATA, 0, 0), PROTOCOL_ERROR],
    ['padding without its length', frame(DATA, PADDED, 1), FRAME_SIZE_ERROR],
    ['HEADERS on stream 0', frame(HEADERS, END_HEADERS, 0, 'b'), PROTOCOL_ERROR],
    ['HEADERS, padding without its length', frame(HEADERS, PADDED, 1), FRAME_SIZE_ERROR],
    ['HEADERS, too much padding', frame(HEADERS, PADDED, 1, 2, 'b'), PROTOCOL_ERROR],
    ['the same, a whole block', frame(HEADERS, 4 | PADDED, 1, 2, 'b'), PROTOCOL_ERROR],
    ['HEADERS, priority cut off', frame(HEADERS, PRIORITY_FLAG, 1, '1234'), FRAME_SIZE_ERROR],
    [
      'HEADERS, padding reaches into the priority',
      frame(HEADERS, PRIORITY_FLAG | PADDED, 1, 2, dependency, 'b'),
      FRAME_SIZE_ERROR,
    ],
    [
      'HEADERS that depends on itself',
      frame(HEADERS, END_HEADERS | PRIORITY_FLAG, 3, dependency),
      PROTOCOL_ERROR,
    ],
    ['PRIORITY on stream 0', frame(PRIORITY, 0, 0, dependency), PROTOCOL_ERROR],
    ['PRIORITY too long', frame(PRIORITY, 0, 1, dependency, 0), FRAME_SIZE_ERROR],
    ['PRIORITY too short', frame(PRIORITY, 0, 1, uint32(0)), FRAME_SIZE_ERROR],
    ['PRIORITY that depends on itself', frame(PRIORITY, 0, 3, dependency), PROTOCOL_ERROR],
    ['RST_STREAM on stream 0', frame(RST_STREAM, 0, 0, uint32(0)), PROTOCOL_ERROR],
    ['RST_STREAM too long', frame(RST_STREAM, 0, 1, uint32(0), 0), FRAME_SIZE_ERROR],
    ['RST_STREAM too short', frame(RST_STREAM, 0, 1, 0, 0, 0), FRAME_SIZE_ERROR],
    ['SETTINGS on a stream', frame(SETTINGS, 0, 1), PROTOCOL_ERROR],
    ['SETTINGS ACK on a stream', frame(SETTINGS, ACK, 1), PROTOCOL_ERROR],
    ['SETTINGS ACK with content', frame(SETTINGS, ACK, 0, '123456'), FRAME_SIZE_ERROR],
    ['SETTINGS cut off', frame(SETTINGS, 0, 0, '12345678'), FRAME_SIZE_ERROR],
    ['PUSH_PROMISE', frame(PUSH_PROMISE, END_HEADERS, 1, uint32(2), 'b'), PROTOCOL_ERROR],
    ['PING on a stream', frame(PING, 0, 1, '12345678'), PROTOCOL_ERROR],
    ['PING too short', frame(PING, 0, 0, '1234567'), FRAME_SIZE_ERROR],
    ['PING too long', frame(PING, 0, 0, '123456789'), FRAME_SIZE_ERROR],
    ['GOAWAY on a stream', frame(GOAWAY, 0, 1, '12345678'), PROTOCOL_ERROR],
    ['GOAWAY too short', frame(GOAWAY, 0, 0, '1234567'), FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE too long', frame(WINDOW_UPDATE, 0, 0, '12345'), FRAME_SIZE_ERROR],
    ['WINDOW_UPDATE too short', frame(WINDOW_UPDATE, 0, 1, '123'), FRAME_SIZE_ERROR],
    ['CONTINUATION of nothing', frame(CONTINUATION, END_HEADERS, 1, 'b'), PROTOCOL_ERROR],
    ['a frame that is too long', claiming(16_385, frame(0xbe, 0, 0)), FRAME_SIZE_ERROR],
    ['DATA that is too long', claiming(0xffffff, frame(DATA, 0, 1)), FRAME_SIZE_ERROR],
    ['a field block that is too long', frame(HEADERS, 4, 1, 'b'.repeat(65)), ENHANCE_YOUR_CALM],
    ['the same without an end', frame(HEADERS, 0, 1, 'b'.repeat(65)), ENHANCE_YOUR_CALM],
    ...[
      ['DATA', frame(DATA, 0, 1, 'a')] as const,
      ['HEADERS', frame(HEADERS, END_HEADERS, 1, 'b')] as const,
      ['PING', frame(PING, 0, 0, '12345678')] as const,
      ['an unknown frame', frame(0xbe, 0, 1)] as const,
      ['CONTINUATION of another stream', frame(CONTINUATION, END_HEADERS, 3, 'b')] as const,
    ].map(
      ([other, bytes]) =>
        [
          `a field block interrupted by ${other}`,
          Buffer.concat([beginning, bytes]),
          PROTOCOL_ERROR,
        ] as const,
    ),
    [
      'a field block that is too long in the end',
      Buffer.concat([beginning, frame(CONTINUATION, END_HEADERS, 1, 'b'.repeat(64))]),
      ENHANCE_YOUR_CALM,
    ],
    [
      'a field block in too many frames',
      Buffer.concat([beginning, ...new Array(17).fill(frame(CONTINUATION, 0, 1))]),
      ENHANCE_YOUR_CALM,
    ],
  ] as const) {
    const before = frame(PING, 0, 0, '12345678');
    const expected = ['settings ', 'ping false 12345678', `error ${code}`];
    // What follows is not looked at.
    const all = Buffer.concat([settings, before, bytes, before]);
    assertOutcome(all, expected, what);
  }
});

test('padding as long as its frame', () => {
  const bytes = Buffer.concat([settings, frame(DATA, PADDED, 1, 3, 'bc')]);
  const expected = ['settings ', 'data begins 1 3', `error ${ErrorCode.PROTOCOL_ERROR}`];
  assertOutcome(bytes, expected, 'padding');
});

test('as much as is allowed', () => {
  const block = 'b'.repeat(64);
  const sixteen = Buffer.concat([
    frame(HEADERS, 0, 1, 'b'),
    ...new Array(15).fill(frame(CONTINUATION, 0, 1)),
    frame(CONTINUATION, END_HEADERS, 1, block.slice(1)),
  ]);
  const content = 'c'.repeat(16_384);
  const bytes = Buffer.concat([
    ...[settings, frame(HEADERS, END_HEADERS, 1, block), sixteen, frame(DATA, 0, 1, content)],
    frame(HEADERS, END_HEADERS | PADDED, 1, 255, block, '\0'.repeat(255)),
  ]);
  const headers = `headers 1 false "${block}"`;
  assert.deepEqual(outcome(bytes, []), [
    ...['settings ', headers, headers],
    ...['data begins 1 16384', `data 1 16384 0 false "${content}"`, headers],
  ]);
});

test('the preface, and SETTINGS as the first frame', () => {
  const error = [`error ${ErrorCode.PROTOCOL_ERROR}`];
  for (const text of [
    'GET / HTTP/1.1\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\rX',
    'X',
    '\0'.repeat(30),
  ]) {
    assertOutcome(Buffer.from(text), error, text, true);
  }
  assertOutcome(clientPreface, [], 'nothing else', true);
  assertOutcome(clientPreface.subarray(0, 23), [], 'most of it', true);
  for (const [what, first] of [
    ['PING', frame(PING, 0, 0, '12345678')],
    ['HEADERS', frame(HEADERS, END_HEADERS, 1, 'b')],
    ['an unknown frame', frame(0xbe, 0, 0)],
    ['an acknowledgement of nothing', frame(SETTINGS, ACK, 0)],
  ] as const) {
    assertOutcome(Buffer.concat([clientPreface, first]), error, `${what} of a client`, true);
    assertOutcome(first, error, `${what} of a server`);
  }
});

test('where a field block may be long, it may come in twice as many frames as it needs', () => {
  const blockBytes = 24 * 16_384 + 1;
  const headers = frame(HEADERS, 0, 1);
  const continuation = frame(CONTINUATION, 0, 1);
  for (const [count, last] of [
    [50, 'settings '],
    [51, `error ${ErrorCode.ENHANCE_YOUR_CALM}`],
  ] as const) {
    const frames = [settings, headers, ...new Array(count).fill(continuation)];
    assert.equal(outcome(Buffer.concat(frames), [], { blockBytes }).at(-1), last);
  }
});

const anyFrame = fc
  .record({
    type: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 0, max: 9 }) }, fc.nat(255)),
    flags: fc.oneof(
      fc.constantFrom(0, ACK, END_HEADERS, PADDED, PRIORITY_FLAG, END_HEADERS | END_STREAM),
      fc.nat(255),
    ),
    streamId: fc.constantFrom(0, 1, 1, 3),
    payload: fc.oneof(
      fc.uint8Array({ maxLength: 12 }),
      fc.constantFrom(4, 5, 6, 8).map((length) => new Uint8Array(length)),
    ),
  })
  .map(({ type, flags, streamId, payload }) => frame(type, flags, streamId, ...payload));

test('property: any frames, split in any way, come to the same', () => {
  const lawful = fc.constantFrom(...conversation.map(([bytes]) => bytes));
  const frames = fc.array(fc.oneof(lawful, anyFrame), { maxLength: 12 });
  const rest = fc.uint8Array({ maxLength: 12 }).map((octets) => Buffer.from(octets));
  const places = fc.array(fc.nat(400), { maxLength: 12 });
  fc.assert(
    fc.property(frames, rest, places, (some, junk, cuts) => {
      const bytes = Buffer.concat([settings, ...some, junk]);
      const sorted = cuts.filter((cut) => cut <= bytes.length).sort((one, other) => one - other);
      assert.deepEqual(outcome(bytes, sorted), outcome(bytes, []));
    }),
    { numRuns: 1_500 },
  );
});
