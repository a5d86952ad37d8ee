import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oneRegion, startGateway } from '../../test/support/gateways.ts';
import { RawClient } from '../../test/support/raw-client.ts';
import { RawOrigin } from '../../test/support/raw-origin.ts';
import { isKept, logShareOf } from './log-share.ts';
import { RandomHex } from './random-hex.ts';

test('everything is kept unless a share is named', () => {
  const share = logShareOf(true);
  for (const id of ['00000000', 'ffffffff']) assert.ok(isKept(share, id, false));
});

test('a share of the requests is kept, the same at every gateway, and errors all the same', () => {
  const random = new RandomHex();
  const ids = Array.from({ length: 20_000 }, () => random.next(16));
  const tenth = logShareOf({ sample: 0.1, errors: 'always' });
  const kept = ids.filter((id) => isKept(tenth, id, false)).length;
  assert.ok(kept > 1_700 && kept < 2_300, `${kept}`);
  assert.ok(ids.every((id) => isKept(tenth, id, true)));
  const none = logShareOf({ sample: 0, errors: 'sampled' });
  assert.ok(!ids.some((id) => isKept(none, id, true)));
});

test('no client chooses whether it is kept', async () => {
  await using origin = await RawOrigin.listen();
  const config = { ...oneRegion(origin.port), accessLog: { sample: 0.5 } };
  await using started = await startGateway({ config });
  using client = await RawClient.connect(started.port);
  const trace = `traceparent: 00-${'f'.repeat(32)}-${'1'.repeat(16)}-01`;
  for (let count = 0; count < 64; count++) {
    await client.request(`GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: ffffffff\r\n${trace}\r\n\r\n`);
  }
  assert.ok(started.log.length > 5 && started.log.length < 59, `${started.log.length} of 64`);
});
