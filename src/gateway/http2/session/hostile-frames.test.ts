import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { get, post } from '../../../../test/support/http2-cases.ts';
import { BareSession } from '../../../../test/support/http2-session.ts';
import {
  block,
  END_STREAM,
  type FieldPairs,
  fieldFrames,
  frame,
  frameTypes,
  type RawFrame,
  settings,
  uint32,
} from '../../../../test/support/raw-http2.ts';

const { DATA, HEADERS, RST_STREAM, SETTINGS, WINDOW_UPDATE } = frameTypes;

const id = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(1, 3, 5, 7) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2, 9, 255, 0x7fffffff, 0x80000001) },
);
const bytes = fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets));

/** Frames that make sense, so that others find streams in every state. */
const sensible: fc.Arbitrary<Buffer> = fc.oneof(
  fc
    .tuple(
      id,
      fc.constantFrom<FieldPairs>(get(), post(), [[':status', '200']], [['x', 'y']]),
      fc.boolean(),
    )
    .map(([stream, fields, ends]) =>
      Buffer.concat(fieldFrames(stream, block(fields), ends ? END_STREAM : 0)),
    ),
  fc
    .tuple(id, fc.boolean(), bytes)
    .map(([stream, ends, content]) => frame(DATA, ends ? 1 : 0, stream, content)),
  id.map((stream) => frame(RST_STREAM, 0, stream, uint32(8))),
  fc
    .tuple(id, fc.nat(100_000))
    .map(([stream, more]) => frame(WINDOW_UPDATE, 0, stream, uint32(more))),
  fc
    .tuple(fc.nat(10), fc.oneof(fc.nat(100), fc.nat(2 ** 32 - 1)))
    .map((pair) => frame(SETTINGS, 0, 0, settings(pair))),
);
const senseless: fc.Arbitrary<Buffer> = fc
  .tuple(fc.nat(11), fc.nat(255), id, bytes)
  .map(([type, flags, stream, payload]) => frame(type, flags, stream, payload));
const conversation = fc.array(
  fc.oneof({ weight: 6, arbitrary: sensible }, { weight: 1, arbitrary: senseless }),
  { maxLength: 40 },
);

/** What is sent keeps to the rules that a peer could hold us to. */
class Watch {
  readonly #ended = new Set<number>();

  hear(frames: readonly RawFrame[]): void {
    for (const { type, flags, stream, payload } of frames) {
      assert.ok(payload.length <= 16_384);
      if (type !== DATA && type !== HEADERS && type !== RST_STREAM) continue;
      assert.ok(stream > 0);
      assert.ok(type === RST_STREAM || !this.#ended.has(stream), 'nothing after its end');
      if ((type !== RST_STREAM && (flags & END_STREAM) !== 0) || type === RST_STREAM) {
        this.#ended.add(stream);
      }
    }
  }
}

/** A stream that is open on both sides. */
function begin(bare: BareSession, id: number): void {
  if (bare.session.role === 'server') bare.receive(...fieldFrames(id, block(post())));
  else {
    const { stream } = bare.open();
    stream.head([':method', 'POST']);
    stream.flush();
  }
}

for (const role of ['server', 'client'] as const) {
  test(`property: whatever comes to a ${role}, it neither throws nor forgets a stream`, () => {
    fc.assert(
      fc.property(conversation, fc.integer({ min: 1, max: 50 }), (frames, cut) => {
        const bare = new BareSession(role);
        const watch = new Watch();
        for (const stream of [1, 3, 5, 7]) begin(bare, stream);
        const octets = Buffer.concat(frames);
        for (let at = 0; at < octets.length; at += cut) {
          // Now and then the transport takes nothing, and streams wait for their turn.
          bare.session.outlet.blocked = at % 3 === 1;
          bare.receive(octets.subarray(at, at + cut));
          const { stream } = bare.streams[at % Math.max(1, bare.streams.length)] ?? {};
          if (stream && !stream.outgoing.ended) {
            stream.head([role === 'server' ? ':status' : 'x', '200']);
            stream.data(Buffer.alloc(at), 0, at, at % 2 === 0);
            if (at % 3 === 0) stream.end([]);
            stream.flush();
          }
          watch.hear(bare.sent());
        }
        const { table } = bare.session;
        for (const { stream, ends, ended } of bare.streams) {
          const open = stream.id === 0 ? !stream.closed : table.get(stream.id) === stream;
          assert.equal(open, !stream.closed);
          assert.ok(ends.length <= 1, 'it ends once');
          if (stream.closed) assert.ok(ends.length === 1 || ended, 'its receiver knows');
          if (bare.over) assert.ok(stream.closed);
        }
        bare.session.cut();
        assert.equal(table.size, 0);
      }),
      { numRuns: 300 },
    );
  });
}

test('content in tiny pieces that waits is kept, and goes, as one', () => {
  const bare = new BareSession('server');
  bare.receive(
    frame(SETTINGS, 0, 0, settings([4, 0])),
    ...fieldFrames(1, block(get()), END_STREAM),
  );
  const { stream } = bare.streams[0]!;
  const read = Buffer.from('0123456789');
  stream.head([':status', '200']);
  for (let count = 0; count < 500; count++) stream.data(read, count % 10, (count % 10) + 1, true);
  stream.flush();
  // The memory is used again for something else.
  read.fill('x');
  bare.sent();
  bare.receive(frame(WINDOW_UPDATE, 0, 1, uint32(1_000)));
  const [only, ...others] = bare.sent();
  assert.deepEqual(others, []);
  assert.equal(only!.payload.toString(), '0123456789'.repeat(50));
});
