import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReplayBuffer, replayBytes } from './replay-buffer.ts';

test('property: all of the content, or nothing of it', () => {
  const parts = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
  fc.assert(
    fc.property(parts, fc.integer({ min: 0, max: 3_000 }), (given, limit) => {
      const buffer = new ReplayBuffer(limit);
      let all = Buffer.alloc(0);
      for (const part of given) {
        const earlier = buffer.content;
        const copy = Buffer.from(earlier);
        all = Buffer.concat([all, part]);
        const read = Buffer.from(part);
        assert.equal(buffer.keep(read), all.length <= limit);
        // What it came in is used again.
        read.fill(0);
        assert.deepEqual(earlier, copy);
        assert.deepEqual(buffer.content, all.length <= limit ? all : Buffer.alloc(0));
      }
    }),
  );
});

test('content that comes octet by octet takes no more room than in one part', () => {
  const buffer = new ReplayBuffer();
  const backings = new Set<ArrayBufferLike>();
  const octet = Buffer.from('x');
  for (let n = 0; n < replayBytes; n++) {
    assert.ok(buffer.keep(octet));
    backings.add(buffer.content.buffer);
  }
  assert.equal(buffer.content.length, replayBytes);
  assert.equal(buffer.content.buffer.byteLength, replayBytes);
  assert.ok(backings.size <= 8, `moved ${backings.size} times`);
  assert.equal(buffer.keep(octet), false);
  assert.equal(buffer.content.length, 0);
});
