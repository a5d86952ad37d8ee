import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FailureKind, isIdempotent, retryAfter } from '../../src/gateway/exchange/retry.ts';
import { shedShare } from '../../src/gateway/resilience/shedding.ts';
import { blocksOf, tableUnder } from './markdown.ts';

test('the table of retries says what the gateway decides', () => {
  const { rows } = tableUnder('docs/guides/resilience.md', 'an attempt ended by');
  assert.ok(rows.length >= 9);
  for (const [ended, ...answers] of rows) {
    const kind = /`(\w+)`/.exec(ended!)![1] as FailureKind;
    const failure = { kind, reused: ended!.includes('served before') };
    const requests = [
      { idempotent: isIdempotent('PUT'), bodyBegun: false },
      { idempotent: isIdempotent('POST'), bodyBegun: false },
      { idempotent: isIdempotent('PUT'), bodyBegun: true },
    ];
    for (const [at, request] of requests.entries()) {
      if (answers[at] === '–') continue;
      const decided = retryAfter(failure, { ...request, answered: false, refreshed: false });
      assert.equal(decided, answers[at], ended);
      const late = { ...request, answered: true, refreshed: false };
      assert.equal(retryAfter(failure, late), 'no', ended);
    }
  }
});

test('the picture of shedding is what is refused', () => {
  const picture = blocksOf('docs/guides/resilience.md', '').find(({ text }) => text.includes('█'))!;
  for (const priority of ['low', 'normal', 'high'] as const) {
    const [, drawn] = new RegExp(`^ ${priority.padEnd(8)}(.{32})$`, 'm').exec(picture.text)!;
    for (const [column, seen] of [...drawn!].entries()) {
      const share = shedShare(priority, 1 + (column + 0.5) / 4, 1);
      const expected = share === 0 ? ' ' : share === 1 ? '█' : '░';
      assert.equal(seen, expected, `${priority}, column ${column}`);
    }
  }
});
