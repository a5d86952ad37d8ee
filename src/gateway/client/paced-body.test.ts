import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacedBody } from './paced-body.ts';

test('a body goes out in parts, no more than the client takes, each octet once', () => {
  for (const length of [0, 1, 65_535, 65_536, 65_537, 300_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    const parts: Buffer[] = [];
    let room = 0;
    const writer = {
      data: (from: Buffer, start: number, end: number) =>
        void parts.push(from.subarray(start, end)),
      flush: () => --room > 0,
    };
    const body = new PacedBody(bytes);
    for (let turn = 1; ; turn++) {
      const before = parts.length;
      room = 2;
      const over = body.pour(writer);
      assert.ok(parts.length - before <= 2, 'it stops where the client does');
      if (over) break;
      assert.ok(turn < 10);
    }
    assert.ok(parts.every((part) => part.length <= 65_536));
    assert.ok(Buffer.concat(parts).equals(bytes));
  }
});
