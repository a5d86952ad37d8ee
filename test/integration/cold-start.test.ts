import assert from 'node:assert/strict';
import { once } from 'node:events';
import { cp, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer as createOrigin } from 'node:http';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { lookup } from '../../src/dns/client.ts';
import { linkServerOptions } from '../../src/link/identity.ts';
import { decodeBundle, encodeBundle } from '../../src/revisions/bundle.ts';
import { KeyRing, loadKeyRing } from '../../src/secrets/key-ring.ts';
import { readSecretFile } from '../../src/secrets/sealed-text.ts';
import { AdminApi, routeOf } from '../support/admin-api.ts';
import { eventuallyRight } from '../support/eventually.ts';
import { exampleWith } from '../support/example.ts';
import { fairTimer } from '../support/fair-time.ts';
import { send } from '../support/http.ts';
import { NodeProcess } from '../support/node-process.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { clientNear, type RegionName, TestStack, until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const region = 'eu-west-1';
const others: readonly RegionName[] = ['us-east-1', 'ap-southeast-1'];
const rates = { host: 'rates.exchange.test', path: '/v1/rates?base=EUR' };
/** Of a route that the configuration file does not have. */
const applied = { host: 'applied.exchange.test', path: '/health' };
/** While it drains it has to be seen, by a test that may stand still for a moment. */
const ttlMs = 4_000;
const config = await exampleWith((document) => {
  document.zones['exchange.test'].ttl = `${ttlMs / 1_000}s`;
  document.threads = { gateway: 1 };
});

/** A region of a stack, of which everything but the identity is lost, and its store with it. */
describe('a node that starts with nobody to ask but a few', { skip: requireNatsServer() }, () => {
  let stack: TestStack;
  let address: string;
  let own: string;
  let bundlePath: string;
  let key: NodeJS.ProcessEnv;
  const origin = createOrigin((_request, response) => response.end('from the test'));
  before(async () => {
    stack = await TestStack.start(config);
    address = stack.address(region);
    own = join(stack.state, 'regions', region);
    key = { MERIDIAN_SECRET_KEY_FILE: join(stack.state, 'secret-key') };
    const api = await AdminApi.of(stack, 'us-east-1');
    await api.untilServing(1);
    const { sequence } = await api.apply(({ routes }) => routes.push(routeOf('applied')));
    await Promise.all(others.map(async (name) => (await AdminApi.of(stack, name)).untilServing(2)));
    assert.equal(sequence, 2);
    bundlePath = join(stack.state, 'bundle');
    await stack.run('export', '--out', bundlePath);
    await stack.run('region', 'kill', region);
  });
  after(async () => {
    origin.close();
    await stack?.stop();
  });

  /** The state directory of a new node: it can prove who it is, and has nothing else. */
  async function emptyState(): Promise<string> {
    const state = await temporaryDirectory('new-node');
    for (const folder of ['identity', 'tls', 'data']) {
      await cp(join(own, folder), join(state, folder), { recursive: true });
    }
    return state;
  }
  const node = (state: string, args: readonly string[], env = key) => ({
    ...{ region, state, address, args, env },
  });
  const peer = (name: RegionName, at = stack.address(name)) => ['--join', `${name}@${at}:9443`];

  async function statusServing(path = applied): Promise<NodeStatus> {
    assert.equal((await send({ address, ...path })).status, 200);
    const asked = { name: rates.host, type: 'A', timeoutMs: 15_000 };
    const question = { ...asked, subnet: clientNear[region] };
    const { answers } = await lookup({ server: address, port: 5300, ...question });
    assert.ok(answers.length > 0);
    return stack.status(region);
  }

  async function refusedStart(args: readonly string[], env = key, state?: string) {
    const refused = new NodeProcess(node(state ?? (await emptyState()), args, env));
    assert.equal(await refused.end(), 1);
    return refused.errors;
  }

  test('it serves the copy of a node that it was told of, not a newer one that another region forged, and keeps it', async (context) => {
    const state = await emptyState();
    const impostor = await startImpostor();
    const asked = [...peer('us-east-1', impostor.address), ...peer('ap-southeast-1')];
    const startedMs = performance.now();
    // It gives each 2 s to answer, and ends when none has.
    const start = () => NodeProcess.start(node(state, asked));
    const first = await eventuallyRight(start).finally(() => impostor.close());
    context.diagnostic(`ready after ${(performance.now() - startedMs).toFixed(0)} ms`);
    try {
      assert.ok(impostor.connections() > 0, 'it was asked');
      const { revision, degraded } = await statusServing();
      assert.deepEqual([revision.source, revision.sequence], ['peer', 2]);
      assert.ok(
        degraded.includes(
          'serving a copy from another node, and the store has not been heard since',
        ),
      );
    } finally {
      await first.stop('SIGKILL');
    }
    const second = await NodeProcess.start(node(state, []));
    assert.equal((await statusServing()).revision.source, 'snapshot');
    await second.stop();
  });

  test('it asks the nodes that its file names before it serves the file', async () => {
    const file = ['--config', join(stack.state, 'config.json')];
    // It gives each 2 s to answer, and serves the file when none has.
    await eventuallyRight(async () => {
      const started = await NodeProcess.start(node(await emptyState(), file));
      try {
        const { revision } = await statusServing();
        assert.deepEqual([revision.source, revision.sequence], ['peer', 2]);
      } finally {
        await started.stop();
      }
    });
  });

  test('the wrong region at an address is not believed', async () => {
    const errors = await refusedStart(peer('us-east-1', stack.address('ap-southeast-1')));
    assert.match(
      errors,
      /no peer gave a copy: us-east-1 at .*certificate is not that of us-east-1/,
    );
  });

  test('it serves an exported bundle where nobody answers', async () => {
    const nobody = peer('us-east-1', `127.${stack.loopback}.9.9`);
    const args = [...nobody, '--bundle', bundlePath];
    const started = await NodeProcess.start(node(await emptyState(), args));
    try {
      const { revision } = await statusServing();
      assert.deepEqual([revision.source, revision.sequence], ['bundle', 2]);
    } finally {
      await started.stop();
    }
  });

  test('a bundle that is damaged or torn is refused', async () => {
    const good = await readFile(bundlePath);
    const path = `${bundlePath}.damaged`;
    const flipped = Buffer.from(good);
    flipped[flipped.length >> 1]! ^= 1;
    for (const bytes of [flipped, good.subarray(0, -1), Buffer.from('nothing')]) {
      await writeFile(path, bytes);
      const errors = await refusedStart(['--bundle', path]);
      assert.match(errors, /^meridian: the bundle cannot be read: it/);
    }
  });

  test('with the outer key missing or wrong it does not start, and says which is needed', async () => {
    const needed = loadKeyRing({ path: key.MERIDIAN_SECRET_KEY_FILE })!.currentId;
    const sealedWith = new RegExp(`snapshot.*"${needed}"`);
    const errors = await refusedStart([], {}, own);
    assert.match(errors, sealedWith);
    assert.match(errors, /set MERIDIAN_SECRET_KEY_FILE or MERIDIAN_SECRET_KEY/);
    const wrong = await refusedStart([], { MERIDIAN_SECRET_KEY: KeyRing.generate() }, own);
    assert.match(wrong, sealedWith);
    assert.match(wrong, /MERIDIAN_SECRET_KEY holds only "/);
  });

  describe('and with no other region either', () => {
    before(async () => {
      assert.equal(await stack.end(), 0);
      origin.listen(7001, address);
      await once(origin, 'listening');
    });

    test('it serves from its last snapshot, and drains on SIGTERM', async () => {
      assert.equal((await stat(join(own, 'snapshot'))).mode & 0o777, 0o600);
      const started = await NodeProcess.start(node(own, []));
      const { revision, degraded } = await statusServing(rates);
      assert.equal(revision.source, 'snapshot');
      assert.ok(degraded.some((sentence) => sentence.includes('snapshot')));
      await drain(started);
    });

    test('it refuses a damaged snapshot and uses the one before it', async () => {
      const path = join(own, 'snapshot');
      const good = await readFile(path);
      await writeFile(join(own, 'snapshot.previous'), good);
      const flipped = Buffer.from(good);
      flipped[flipped.length >> 1]! ^= 1;
      await writeFile(path, flipped);
      const started = await NodeProcess.start(node(own, []));
      const { degraded } = await statusServing(rates);
      await started.stop();
      assert.ok(degraded.some((sentence) => /refused: .*checksum/.test(sentence)));
    });

    test('with both damaged it does not start, and names both', async () => {
      await writeFile(join(own, 'snapshot'), 'nothing');
      await writeFile(join(own, 'snapshot.previous'), '');
      const errors = await refusedStart([], key, own);
      assert.match(
        errors,
        /^meridian: no snapshot can be used: .*snapshot: .*snapshot\.previous: /,
      );
    });
  });

  /** While it drains it serves for the TTL + 2 s, and says that it is not ready. */
  async function drain(started: NodeProcess): Promise<void> {
    const askedMs = performance.now();
    const fairMs = fairTimer();
    const ended = started.stop('SIGTERM');
    await until('it is not ready', async () => {
      const { status } = await fetch(`http://${address}:9000/ready`);
      return status === 503;
    });
    assert.equal((await send({ address, ...rates })).status, 200, 'still served');
    await ended;
    assert.equal(started.process.exitCode, 0);
    const tookMs = performance.now() - askedMs;
    const wantedMs = ttlMs + 2_000;
    assert.ok(tookMs > wantedMs && fairMs() < wantedMs + 5_000, `TTL + 2 s, took ${tookMs} ms`);
    await assert.rejects(send({ address, ...rates }), { code: 'ECONNREFUSED' });
  }

  /** Has the identity of another region, and offers a later revision to whoever asks. */
  async function startImpostor() {
    const ring = loadKeyRing({ path: key.MERIDIAN_SECRET_KEY_FILE });
    const folder = join(stack.state, 'regions', 'ap-southeast-1', 'identity');
    const read = (name: string) => readSecretFile(join(folder, name), ring);
    const [ca, cert, privateKey] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map(read));
    const bundle = await decodeBundle(await readFile(bundlePath));
    const forged = await encodeBundle({ ...bundle, info: { ...bundle.info, sequence: 99 } });
    let connections = 0;
    const identity = { ca: ca!, cert: cert!, key: privateKey! };
    const server = createServer(linkServerOptions(identity), (_request, response) =>
      response.end(forged),
    );
    server.on('connection', () => connections++);
    const at = `127.${stack.loopback}.9.1`;
    await once(server.listen(9443, at), 'listening');
    return { address: at, connections: () => connections, close: () => server.close() };
  }
});
