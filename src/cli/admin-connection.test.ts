import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { eventuallyRight } from '../../test/support/eventually.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import type { NodeStatus } from '../admin/node-view.ts';
import { createAdminServer } from '../admin/server.ts';
import { FakeNode, status } from '../admin/testdata/fake-node.ts';
import { MeridianError } from '../base/errors.ts';
import { layoutOf } from '../stack/state/layout.ts';
import { emptyRecord, writeRecord } from '../stack/state/record.ts';
import { connectAdmin } from './admin-connection.ts';

type Store = Pick<NodeStatus['store'], 'reachable' | 'serverVersion'>;

class NodeWithStore extends FakeNode {
  readonly #store: Store;

  constructor(store: Store) {
    super();
    this.#store = store;
  }

  override status(): NodeStatus {
    return { ...status, store: { ...status.store, ...this.#store } };
  }
}

/** Nodes with these stores, as a stack that runs without its supervisor. */
async function stackOf(t: TestContext, stores: readonly Store[]) {
  const servers = await Promise.all(
    stores.map((store) =>
      createAdminServer({
        host: '127.0.0.1',
        port: 0,
        token: 'the-token',
        view: new NodeWithStore(store),
      }),
    ),
  );
  for (const server of servers) t.after(() => server.close());
  return { directory: await stackAt(servers.map(({ port }) => port)), servers };
}

/** The record of a stack whose nodes have these ports. */
async function stackAt(ports: readonly number[]): Promise<string> {
  const directory = await temporaryDirectory('admin-connection');
  const layout = layoutOf(directory);
  const place = { address: '127.0.0.1', http: 1, https: 2, dns: 3 };
  const regions = ports.map((admin, index) => [
    `r${index}`,
    { ...place, admin, serves: true, nodes: [] },
  ]);
  writeRecord(layout.record, {
    ...emptyRecord(layout.socket),
    regions: Object.fromEntries(regions),
  });
  writeFileSync(layout.token, 'the-token\n');
  return directory;
}

const reachable = { reachable: true, serverVersion: '2' };
const readable = { reachable: false, serverVersion: '2' };
const alone = { reachable: false, serverVersion: undefined };

test('of a stack, the node whose store takes changes, else one that can read it', async (t) => {
  for (const [stores, chosen] of [
    [[reachable, reachable], 0],
    [[readable, alone, reachable], 2],
    [[alone, readable], 1],
    [[alone, alone], 0],
  ] as const) {
    const { directory, servers } = await stackOf(t, stores);
    // It gives each a second to answer.
    await eventuallyRight(async () => {
      const admin = await connectAdmin({ state: directory });
      assert.equal(admin.url, `http://127.0.0.1:${servers[chosen]?.port}`);
    });
  }
});

test('where no node answers at once, each is given its time', async (t) => {
  let asked = 0;
  const slow = createServer((_, response) => {
    if (++asked > 1) response.end(JSON.stringify({ store: reachable }));
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  t.after(() => {
    slow.closeAllConnections();
    slow.close();
  });
  const { port } = slow.address() as AddressInfo;
  const admin = await connectAdmin({ state: await stackAt([port]) });
  assert.deepEqual([admin.url, asked], [`http://127.0.0.1:${port}`, 2]);
});

test('a look goes to the next node when one has gone; a change does not', async (t) => {
  const { directory, servers } = await stackOf(t, [reachable, reachable]);
  const admin = await eventuallyRight(async () => {
    const connection = await connectAdmin({ state: directory });
    assert.equal(connection.url, `http://127.0.0.1:${servers[0]?.port}`);
    return connection;
  });
  assert.deepEqual(await admin.post('/drain'), { draining: true });
  await servers[0]?.close();
  const unreachable = (error: unknown) =>
    error instanceof MeridianError &&
    error.code === 'admin_unreachable' &&
    error.details.outcome === 'none';
  await assert.rejects(admin.post('/drain'), unreachable);
  assert.deepEqual(await admin.get('/config/drift'), { nodes: [] });
  assert.equal(admin.url, `http://127.0.0.1:${servers[1]?.port}`);
  assert.deepEqual(await admin.post('/drain'), { draining: true });
  await servers[1]?.close();
  await assert.rejects(admin.get('/config/drift'), { code: 'admin_unreachable' });
  await assert.rejects(connectAdmin({ state: directory }), { code: 'stack_not_running' });
});

test('a problem comes out with its code and its facts', async (t) => {
  const { directory } = await stackOf(t, [reachable]);
  const admin = await eventuallyRight(() => connectAdmin({ state: directory }));
  await assert.rejects(admin.get('/config/history?limit=x'), {
    code: 'bad_parameter',
    message: 'limit: expected a whole number from 1 to 1000',
  });
  await assert.rejects(admin.post('/config/apply', { base: 5 }), (error) => {
    assert.ok(error instanceof MeridianError);
    assert.deepEqual([error.code, error.details], ['bad_body', { field: 'document' }]);
    return true;
  });
  await assert.rejects(admin.get('/metrics'), { code: 'admin_refused' });
});
