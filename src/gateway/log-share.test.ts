import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKept, logShareOf } from './log-share.ts';
import { RandomHex } from './random-hex.ts';

test('everything is kept unless a share is named', () => {
  const share = logShareOf(true);
  for (const trace of ['00000000', 'ffffffff']) assert.ok(isKept(share, trace, false));
});

test('a share of the traces is kept, the same at every gateway, and errors all the same', () => {
  const random = new RandomHex();
  const traces = Array.from({ length: 20_000 }, () => random.next(16));
  const tenth = logShareOf({ sample: 0.1, errors: 'always' });
  const kept = traces.filter((trace) => isKept(tenth, trace, false)).length;
  assert.ok(kept > 1_700 && kept < 2_300, `${kept}`);
  assert.ok(traces.every((trace) => isKept(tenth, trace, true)));
  const none = logShareOf({ sample: 0, errors: 'sampled' });
  assert.ok(!traces.some((trace) => isKept(none, trace, true)));
});
