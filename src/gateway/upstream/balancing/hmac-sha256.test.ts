import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { HmacSha256 } from './hmac-sha256.ts';

test('is what node:crypto computes, for keys of every length and one message after another', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 150 }),
      fc
        .integer({ min: 0, max: 200 })
        .chain((length) =>
          fc.array(fc.uint8Array({ minLength: length, maxLength: length }), { minLength: 1 }),
        ),
      (key, messages) => {
        const mac = new HmacSha256(key, messages[0]!.length);
        for (const message of messages) {
          const expected = createHmac('sha256', key).update(message).digest('hex');
          assert.equal(mac.digest(message), expected);
        }
      },
    ),
  );
});
