import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WrittenBytes } from './written-bytes.ts';

it('counts what is under way, and what ended after the hub was asked', () => {
  const written = new WrittenBytes();
  written.begin(10);
  written.begin(200);
  assert.equal(written.since(0), 210);
  written.end(10, 1_000);
  assert.equal(written.since(1_000), 210, 'it ended when the hub was asked, or after');
  assert.equal(written.since(1_001), 200);
  written.end(200, 2_000);
  for (let n = 0; n < 500; n++) {
    written.begin(1);
    written.end(1, 2_000 + n * 0.1);
  }
  assert.equal(written.since(2_000), 700);
  assert.equal(written.since(2_100), 0);
});

it('forgets what was ended long ago while one write follows the other', () => {
  const written = new WrittenBytes();
  for (let atMs = 0; atMs < 10_000; atMs += 10) {
    written.begin(1);
    written.end(1, atMs);
  }
  const since = written.since(9_000);
  assert.ok(since >= 100 && since <= 110, `${since} of 1,000`);
});
