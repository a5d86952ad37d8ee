import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  formedMs,
  holds,
  home,
  leaseMs,
  marginMs,
  stops,
  useExclusiveStack,
} from '../support/exclusive-stack.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { regionNames, until } from '../support/stack.ts';

describe('what is exclusive, while nodes and the store are lost', {
  skip: requireNatsServer(),
}, () => {
  const use = useExclusiveStack();

  test('it is taken over from the dead', async (context) => {
    const first = await use.holderOf('stops');
    const killed = await use.change(first, () => use.stack.run('node', 'kill', first));
    const alive = regionNames.filter((region) => region !== first);
    await until('both others name it', () => use.named(stops.host, killed.to, alive));
    await use.stack.run('node', 'start', first);
    await until('the killed one too', () => use.named(stops.host, killed.to));
    context.diagnostic(`${killed.to} after ${killed.tookMs} ms`);
  });

  test('without a store it ends with its lease, nobody is promoted, and who is to hold holds', async (context) => {
    // A region that has just come back hands over what it held, to one that is well.
    await until('all are well', () => use.allWell());
    const holder = await use.holderOf('holds');
    const { token } = await use.statusOf(holder, 'holds');
    const asked = use.ask(stops);
    const kept = use.ask(holds);
    await until('both serve', () => asked.by !== undefined && kept.by === holder);
    const lostMs = performance.now();
    await use.stack.run('store', 'kill');
    const isOver = () => asked.silentForMs > leaseMs + 3 * marginMs && asked.refused >= 20;
    await until('nobody is active', isOver);
    const activeMs = asked.served.at(-1)!.endMs - lostMs;
    context.diagnostic(`active for ${activeMs.toFixed(0)} ms without a store`);
    const keptBefore = kept.served.length;
    await until('the holder holds', () => kept.served.length > keptBefore + 20);
    await kept.end();
    const since = kept.served.filter(({ startMs }) => startMs > lostMs);
    assert.ok(since.length > 0 && since.every(({ region }) => region === holder));
    const nobody = (answer: readonly string[]) => !answer.includes(asked.by!);
    const unnamed = () => use.servers.all(stops.host, home, nobody, [asked.by!]);
    await until('nor named by itself', () => unnamed().catch(() => false));
    const servedBefore = asked.served.length;
    await use.stack.run('store', 'start');
    await until('one is active again', () => asked.served.length > servedBefore + 20, formedMs);
    await asked.end();
    const isWhoItWas = async () => {
      const status = await use.statusOf(holder, 'holds');
      return status.active && status.token === token;
    };
    await until('the holder is who it was', isWhoItWas, formedMs);
  });
});
