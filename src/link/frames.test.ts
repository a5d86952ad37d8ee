import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { acknowledgement, encodeFrame, FrameDecoder, frameAgain, maxFrameBytes } from './frames.ts';
import { LinkError } from './link-error.ts';

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(5_000)))),
      fc.infiniteStream(fc.integer({ min: 1, max: 700 })),
      (values, cuts) => {
        const stream = Buffer.concat(values.map((value) => encodeFrame(value)));
        const decoder = new FrameDecoder();
        const got: unknown[] = [];
        for (let at = 0; at < stream.length; ) {
          const size = cuts.next().value ?? 1;
          decoder.push(stream.subarray(at, at + size), (content) =>
            got.push(JSON.parse(content.toString())),
          );
          at += size;
        }
        assert.deepEqual(got, values);
      },
    ),
    { numRuns: 60 },
  );
});

test('what came in a frame can be passed on as it is', () => {
  const frame = encodeFrame({ text: 'é' });
  new FrameDecoder().push(frame, (content) => assert.deepEqual(frameAgain(content), frame));
});

test('an acknowledgement is an empty frame', () => {
  const sizes: number[] = [];
  const decoder = new FrameDecoder(0);
  decoder.push(Buffer.concat([acknowledgement, acknowledgement.subarray(0, 3)]), (content) =>
    sizes.push(content.length),
  );
  decoder.push(acknowledgement.subarray(3), (content) => sizes.push(content.length));
  assert.deepEqual(sizes, [0, 0]);
});

test('a frame over the limit is refused by its length alone, and not sent either', () => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(maxFrameBytes + 1);
  const tooLarge = (error: unknown) =>
    error instanceof LinkError && error.code === 'frame_too_large';
  assert.throws(() => new FrameDecoder().push(length, () => assert.fail()), tooLarge);
  assert.throws(() => encodeFrame('x'.repeat(maxFrameBytes)), tooLarge);
  encodeFrame('x'.repeat(maxFrameBytes - 2)); // with its quotes exactly the limit
});
