import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRegion, startGateway } from '../../../../test/support/gateways.ts';
import { RawClient } from '../../../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../../../test/support/raw-origin.ts';

async function originOf(name: string): Promise<RawOrigin> {
  const origin = await RawOrigin.listen();
  origin.respond = (_request, socket) => void socket.write(okResponse(name));
  return origin;
}

function getAs(user: string): string {
  return `GET / HTTP/1.1\r\nHost: a\r\nX-User: ${user}\r\n\r\n`;
}

test('requests with one key go to one origin, over connections; its end moves only its keys', async () => {
  await using a = await originOf('a');
  await using b = await originOf('b');
  await using c = await originOf('c');
  const config = oneRegion(a.port, b.port, c.port);
  config.services!.s!.balancing = { type: 'consistentHash', key: { header: 'x-user' } };
  await using started = await startGateway({ config });
  const users = Array.from({ length: 40 }, (_, n) => `user-${n}`);
  const places = async () => {
    using client = await RawClient.connect(started.port);
    const bodies: string[] = [];
    for (const user of users) bodies.push((await client.request(getAs(user))).body);
    return bodies;
  };
  const before = await places();
  assert.deepEqual([...new Set(before)].toSorted(), ['a', 'b', 'c']);
  assert.deepEqual(await places(), before);
  await b.close();
  const after = await places();
  for (const [n, place] of before.entries()) {
    if (place !== 'b') assert.equal(after[n], place);
    else assert.notEqual(after[n], 'b');
  }
  assert.deepEqual(started.defects, []);
});

test('a node sends requests to its own zone, and elsewhere when nobody is left there', async () => {
  await using near = await originOf('near');
  await using far = await originOf('far');
  const config = oneRegion(near.port);
  config.regions.eu!.zone = 'a';
  config.services!.s!.endpoints.eu = [
    { address: `127.0.0.1:${far.port}`, zone: 'b' },
    { address: `127.0.0.1:${near.port}`, zone: 'a' },
  ];
  await using started = await startGateway({ config, zone: 'a' });
  using client = await RawClient.connect(started.port);
  for (let n = 0; n < 6; n++) assert.equal((await client.request(getAs('x'))).body, 'near');
  await near.close();
  for (let n = 0; n < 6; n++) assert.equal((await client.request(getAs('x'))).body, 'far');
  assert.deepEqual(started.defects, []);
});
