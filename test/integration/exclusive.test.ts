import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { stops, useExclusiveStack } from '../support/exclusive-stack.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { regionNames, until } from '../support/stack.ts';

// From the dead, and without a store: `test/long/exclusive.test.ts`.
describe('what is exclusive is active in one region', { skip: requireNatsServer() }, () => {
  const use = useExclusiveStack();

  test('it is handed over, and taken over from the paused', async (context) => {
    const first = await use.holderOf('stops');
    const next = regionNames.find((region) => region !== first)!;
    const move = () => use.stack.run('exclusive', 'move', 'stops', '--to', next);
    const moved = await use.change(first, move);
    assert.equal(moved.to, next);
    const pid = await use.stack.nodePid(next);
    const paused = await use.change(
      next,
      async () => process.kill(pid, 'SIGSTOP'),
      () => process.kill(pid, 'SIGCONT'),
    );
    await until('all name it, the woken one too', () => use.named(stops.host, paused.to));
    for (const [how, { to, tookMs }] of Object.entries({ moved, paused })) {
      context.diagnostic(`${how}: ${to} after ${tookMs} ms`);
    }
  });
});
