import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { ask, gives, isEverywhere, transferNode } from '../../test/support/transfer-node.ts';

const here = '127.0.94.9';
const there = '127.0.94.10';

interface Status {
  readonly zones?: {
    readonly secondaries: readonly { readonly state: string; readonly serial?: number }[];
    readonly notifications: readonly { readonly state: string }[];
  };
  readonly degraded: readonly string[];
}

test('a zone goes from node to node: by a new configuration, by each change, from disk, and away', async (t) => {
  const primary = await transferNode(here);
  const secondary = await transferNode(there);
  t.after(() => Promise.all([primary.close(), secondary.close()]));
  const statusOf = async (node: typeof primary) =>
    JSON.parse(await node.admin('/status')) as Status;
  const zonesWith = (value: string) => ({
    'example.test': {
      transfer: {
        ...{ to: [`${there}/32`], key: 'transfer.test' },
        notify: [`${there}:${secondary.dns}`],
      },
      records: [{ name: 'www', type: 'A', values: [value] }],
    },
  });
  const own = { 'own.test': { records: [{ name: '@', type: 'A', values: ['192.0.2.9'] }] } };
  const taken = {
    'example.test': { secondary: { primaries: [`${here}:${primary.dns}`], key: 'transfer.test' } },
  };
  const isThere = (value: string) =>
    isEverywhere(there, secondary.dns, 'www.example.test', gives(value));
  await primary.configure(zonesWith('192.0.2.1'));
  await secondary.configure(own);
  await Promise.all([primary.start(), secondary.start()]);
  assert.equal((await statusOf(secondary)).zones, undefined);

  await secondary.configure({ ...own, ...taken });
  secondary.reload();
  await eventually('the zone', () => isThere('192.0.2.1'));
  await primary.configure(zonesWith('192.0.2.2'));
  primary.reload();
  await eventually('the change', () => isThere('192.0.2.2'));
  await eventually('that it is current', async () => {
    const { zones } = await statusOf(secondary);
    return zones?.secondaries[0]?.state === 'current';
  });
  const soas = [ask(here, primary.dns, 'example.test', 'SOA')];
  soas.push(ask(there, secondary.dns, 'example.test', 'SOA'));
  const [one, other] = (await Promise.all(soas)).map(({ answers }) => answers[0]?.data);
  assert.equal(one, other);
  await eventually('that it was heard', async () => {
    const { zones } = await statusOf(primary);
    return zones?.notifications[0]?.state === 'acknowledged';
  });

  await primary.close();
  await secondary.configure(own);
  secondary.reload();
  await eventually('that it is gone', async () => {
    const { rcode } = await ask(there, secondary.dns, 'www.example.test');
    return rcode === 'REFUSED';
  });
  // The primary is gone: what was there is on disk, also for who starts anew.
  await secondary.configure({ ...own, ...taken });
  secondary.reload();
  await eventually('the zone from disk', () => isThere('192.0.2.2'));
  await secondary.close();
  await secondary.start();
  assert.ok(await isThere('192.0.2.2'));
  await eventually('that the primary is missed', async () => {
    const { zones } = await statusOf(secondary);
    return zones?.secondaries[0]?.state === 'stale';
  });
  const { degraded } = await statusOf(secondary);
  assert.match(degraded.join(), /^the zone example\.test could not be refreshed: 127\.0\.94\.9:/);
  const explained = await secondary.admin('/explain/dns?name=www.example.test&type=A');
  assert.match(explained, /192\.0\.2\.2/);
});
