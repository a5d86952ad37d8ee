import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { Secondaries } from './secondaries.ts';
import { transferRules } from './transfer-rules.ts';

/** A primary that takes connections and says nothing: by the clock of the tests for ever. */
async function silentPrimary(t: TestContext) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    socket.resume();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { at: `127.0.0.1:${port}`, open: () => sockets.size, connections: () => connections };
}

/** Zones by name, each with one primary. */
function secondariesOf(t: TestContext, zones: Record<string, string>) {
  const clock = new ManualClock();
  const troubled: string[] = [];
  const secondaries = new Secondaries({
    clock,
    random: () => 0,
    from: () => undefined,
    keep: () => undefined,
    changed: () => undefined,
    troubled: (_zone, problem) => void troubled.push(problem),
  });
  t.after(() => secondaries.close());
  const update = (primaries: Record<string, string>) => {
    const config = configSchema.parse({
      regions: { here: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
      zones: Object.fromEntries(
        Object.entries(primaries).map(([name, at]) => [name, { secondary: { primaries: [at] } }]),
      ),
    });
    secondaries.update(config, transferRules(config, {}));
    secondaries.start();
    clock.advance(0);
  };
  update(zones);
  return { secondaries, update, troubled, clock };
}

test('who is no primary any more is not waited for, and the new one is asked at once', async (t) => {
  const [before, after] = [await silentPrimary(t), await silentPrimary(t)];
  const { update, troubled, clock } = secondariesOf(t, { 'a.test': before.at });
  await eventually('the question', () => before.open() === 1);
  update({ 'a.test': before.at });
  assert.equal(before.open(), 1, 'the same configuration ends nothing');
  update({ 'a.test': after.at });
  await eventually('the end of the first', () => before.open() === 0);
  await eventually('the question to the other', () => {
    clock.advance(0);
    return after.open() === 1;
  });
  assert.deepEqual([before.connections(), troubled], [1, []]);
});

test('of a zone that is gone nobody is asked, and others have its turn', async (t) => {
  const [silent, other] = [await silentPrimary(t), await silentPrimary(t)];
  const many = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [`${name}.test`, silent.at]));
  const { secondaries, update } = secondariesOf(t, many);
  await eventually('as many as may be asked at a time', () => silent.open() === 4);
  // Both wait for a turn; the first of them gives its place up.
  update({ ...many, 'e.test': silent.at, 'f.test': other.at });
  update({ ...many, 'f.test': other.at });
  assert.equal(other.open(), 0);
  const { 'a.test': _, ...three } = many;
  update({ ...three, 'f.test': other.at });
  await eventually('the turn of the one that waited', () => other.open() === 1);
  await eventually('the end of the one that is gone', () => silent.open() === 3);
  assert.equal(silent.connections(), 4);
  secondaries.close();
  await eventually('the end of all', () => silent.open() + other.open() === 0);
});
