import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ProcessMeter } from './process-meter.ts';

test('an event loop that was blocked shows it', async (t) => {
  const meter = new ProcessMeter();
  t.after(() => meter.close());
  const deadline = performance.now() + 5_000;
  while (meter.read().eventLoopDelaySeconds.max < 0.1) {
    assert.ok(performance.now() < deadline, 'blocking for 150 ms was never seen');
    const until = performance.now() + 150;
    while (performance.now() < until);
    await sleep(1);
  }
});
