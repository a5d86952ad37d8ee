import assert from 'node:assert/strict';
import { test } from 'node:test';
import { revisionOf, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { okResponse, RawOrigin } from '../../test/support/raw-origin.ts';
import type { ConfigInput } from '../config/schema/config.ts';
import type { AppliedShift } from '../steering/shifts/applied.ts';
import { weightsOf } from '../steering/shifts/subject.ts';
import { explainRequest } from './explain/explain.ts';

const subject = { kind: 'route', route: 'shop' } as const;

async function world() {
  const origins = await Promise.all(['s', 'canary'].map(() => RawOrigin.listen()));
  origins[1]!.respond = (_, socket) => void socket.write(okResponse('canary'));
  const configWith = (weight: number, extra: object[] = []): ConfigInput => ({
    regions: { eu: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    services: {
      s: { endpoints: { eu: [`127.0.0.1:${origins[0]!.port}`] } },
      canary: { endpoints: { eu: [`127.0.0.1:${origins[1]!.port}`] } },
    },
    routes: [
      {
        name: 'shop',
        services: [
          { service: 's', weight: 100 - weight },
          { service: 'canary', weight },
        ],
      },
      ...(extra as NonNullable<ConfigInput['routes']>),
    ],
  });
  const started = await startGateway({ config: configWith(0) });
  const client = await RawClient.connect(started.port);
  const { basis } = weightsOf(subject, revisionOf({ config: configWith(0) }).config)!;
  const to = (share: number): AppliedShift[] => [{ subject, to: 'canary', share, basis }];
  /** How many of a hundred go to the canary. */
  const canaries = async () => {
    let count = 0;
    for (let asked = 0; asked < 100; asked++) {
      const { body } = await client.request('GET / HTTP/1.1\r\nHost: a.test\r\n\r\n');
      if (body === 'canary') count++;
    }
    return count;
  };
  const { gateway } = started;
  return {
    gateway,
    configWith,
    to,
    canaries,
    swap: async (config: ConfigInput) =>
      (await gateway.prepare({ ...revisionOf({ config }), accessLog: undefined })).commit(),
    async [Symbol.asyncDispose]() {
      client.close();
      await gateway.close();
      for (const origin of origins) await origin.close();
    },
  };
}

test('a canary gets what each step says, and nothing when the shift is over', async () => {
  await using w = await world();
  assert.equal(await w.canaries(), 0);
  for (const percent of [1, 5, 25, 50, 100]) {
    w.gateway.useShifts(w.to(percent / 100));
    assert.equal(await w.canaries(), percent);
  }
  w.gateway.useShifts([]);
  assert.equal(await w.canaries(), 0);
});

test('the explanation has the shares that hold', async () => {
  await using w = await world();
  const { config, health } = revisionOf({ config: w.configWith(0) });
  const options = { config, health, region: 'eu' };
  const question = { url: 'http://a.test/', method: 'GET' };
  assert.equal(explainRequest(options, question).service, 's 100, canary 0');
  const shifted = explainRequest({ ...options, shifts: w.to(0.25) }, question);
  assert.equal(shifted.service, 's 75 %, canary 25 %, by a shift');
});

test('a revision that leaves the weights alone leaves the shift, one that changes them goes before it', async () => {
  await using w = await world();
  w.gateway.useShifts(w.to(0.25));
  await w.swap(w.configWith(0, [{ name: 'other', prefix: '/x', service: 's' }]));
  assert.equal(await w.canaries(), 25);
  await w.swap(w.configWith(10));
  assert.equal(await w.canaries(), 10);
  w.gateway.useShifts(w.to(0.5));
  assert.equal(await w.canaries(), 10, 'a later step of it changes nothing');
  await w.swap(w.configWith(0));
  assert.equal(
    await w.canaries(),
    50,
    'it is the weights that count, not the number of a revision',
  );
});
