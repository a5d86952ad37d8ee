import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { transferNode } from '../../test/support/transfer-node.ts';
import type { NodeStatus } from '../admin/node-view.ts';

const here = '127.0.94.17';

test('a name outside that no resolver knows is in the status and the metrics, until it is needed no more', async (t) => {
  const node = await transferNode(here);
  t.after(() => node.close());
  const [silent] = await freePorts(1, here);
  const zones = (records: object[]) => ({ 'apex.test': { records } });
  const dns = { resolver: { servers: [`${here}:${silent}`] } };
  const alias = { name: '@', type: 'ALIAS', target: 'www.cdn.test.' };
  await node.configure(zones([alias]), dns);
  await node.start();
  const status = async () => JSON.parse(await node.admin('/status')) as NodeStatus;
  await eventually('the failures of both threads', async () => {
    const [name] = (await status()).outsideNames ?? [];
    return (name?.failures ?? 0) >= 4;
  });
  const { outsideNames, degraded } = await status();
  const [{ target, state, problem } = assert.fail()] = outsideNames ?? [];
  assert.deepEqual([outsideNames?.length, target, state], [1, 'www.cdn.test', 'unknown']);
  const unreached = `cannot reach ${here}:${silent} over UDP`;
  assert.ok(problem?.startsWith(unreached));
  const sentence = `www.cdn.test, which an ALIAS leads to, has no addresses yet: ${unreached}`;
  assert.ok(degraded.some((told) => told.startsWith(sentence)));
  const metrics = await node.admin('/metrics');
  assert.match(
    metrics,
    /^meridian_dns_outside_state\{target="www\.cdn\.test",state="unknown"\} 1$/m,
  );
  assert.match(
    metrics,
    /^meridian_dns_outside_failures_total\{target="www\.cdn\.test"\} ([4-9]|\d\d+)$/m,
  );
  await node.configure(zones([{ name: 'www', type: 'A', values: ['192.0.2.1'] }]), dns);
  node.reload();
  await eventually('that it is gone', async () => (await status()).outsideNames === undefined);
});
