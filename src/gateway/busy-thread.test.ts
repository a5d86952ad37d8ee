import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import { ManualClock } from '../base/manual-clock.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import type { GatewayLimits } from './limits.ts';

/** Two ticks, and up to three: two pauses of two ticks each are longer, and one is not. */
const limitMs = 100;
const get = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n';

async function world(limits: Partial<GatewayLimits>, firstByte = '1h') {
  const origin = await RawOrigin.listen();
  const base = oneRegion(origin.port);
  const services = { s: { ...base.services!.s!, timeouts: { firstByte } } };
  const config: ConfigInput = { ...base, services };
  const clock = new ManualClock();
  const started = await startGateway({ config, clock, limits });
  const client = await RawClient.connect(started.port);
  return {
    origin,
    client,
    /** Twice the thread is busy while the clock goes on; in the second pause `late` comes. */
    async pauseTwice(late: () => void) {
      await pause(clock, () => {});
      await pause(clock, late);
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await started.gateway.close();
      await origin.close();
      assert.deepEqual(started.defects, []);
    },
  };
}

/** Returns when the turn of the event loop that follows is over. */
async function pause(clock: ManualClock, meanwhile: () => void): Promise<void> {
  await turn();
  meanwhile();
  clock.advance(100);
  // Longer than the gateway's interval: it is due before any socket is read.
  for (const until = performance.now() + 60; performance.now() < until; );
  for (let turns = 0; turns < 3; turns++) await turn();
}

test('a request that came while the thread was busy is read before its connection counts as idle', async () => {
  await using w = await world({ idleMs: limitMs });
  await w.client.request(get);
  await w.pauseTwice(() => w.client.send(get));
  assert.equal((await w.client.response()).status, 200);
  await w.pauseTwice(() => {});
  assert.equal(await w.client.rest(), '', 'time was up');
});

test('so is the rest of a head', async () => {
  for (const [rest, status] of [
    [get.slice(9), 200],
    ['', 408],
  ] as const) {
    await using w = await world({ headMs: limitMs });
    await w.client.request(get);
    w.client.send(get.slice(0, 9));
    await turn();
    await w.pauseTwice(() => void (rest && w.client.send(rest)));
    assert.equal((await w.client.response()).status, status);
  }
});

test('so is the first byte of a response', async () => {
  for (const [text, status] of [
    [okResponse('in time'), 200],
    ['', 504],
  ] as const) {
    await using w = await world({}, `${limitMs}ms`);
    const asked = Promise.withResolvers<(text: string) => void>();
    w.origin.respond = (_, socket) => asked.resolve((text) => void socket.write(text));
    w.client.send(get);
    const answer = await asked.promise;
    await w.pauseTwice(() => void (text && answer(text)));
    assert.equal((await w.client.response()).status, status);
  }
});
