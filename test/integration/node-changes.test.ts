import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { connect } from 'node:tls';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { createAuthority, issueServerCertificate } from '../../src/link/authority.ts';
import { eventually } from '../support/eventually.ts';
import { send } from '../support/http.ts';
import { NatsCluster } from '../support/nats-cluster.ts';
import { requireNatsServer } from '../support/requirements.ts';
import { type RunningNode, startNode } from '../support/running-node.ts';
import { until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const location = { latitude: 0, longitude: 0 };
const threads = { gateway: 4, dns: 2 };
/** Each on a connection of its own: the kernel spreads them, so none of 4 threads is left out. */
const enoughForAllThreads = 60;
const host = 'x.test';

const admin = async ({ address }: RunningNode, path: string) =>
  (await send({ address, port: 9000, host: address, path, timeoutMs: 30_000 })).body;
/** While a node builds it may find that a request took too long to arrive: a 408. */
const statusOf = (node: RunningNode) =>
  eventually('its status', async () => {
    const status = JSON.parse(await admin(node, '/status')) as Partial<NodeStatus>;
    return status.revision !== undefined && (status as NodeStatus);
  });

describe('a node that follows its file', async () => {
  const authority = await createAuthority();
  const certificates = await temporaryDirectory('certificates');
  const origin = createServer((_request, response) => response.end('ok'));

  function configOf(paths: readonly string[]) {
    const { port } = origin.address() as AddressInfo;
    const tls = {
      certificate: join(certificates, 'cert.pem'),
      key: join(certificates, 'key.pem'),
    };
    return {
      regions: { here: { address: '{address}', location } },
      services: { s: { endpoints: { here: [`127.0.0.1:${port}`] } } },
      routes: paths.map((prefix, at) => ({ name: `r${at}`, prefix, service: 's' })),
      threads,
      // While it builds its threads are late, which is what is looked at.
      shedding: 'off',
      tls,
    };
  }

  /** First the key, so for a moment the two are of different pairs. */
  async function renewCertificate(): Promise<void> {
    const { cert, key } = await issueServerCertificate(authority, [host], []);
    await writeFile(join(certificates, 'key.pem'), key, { mode: 0o600 });
    await writeFile(join(certificates, 'cert.pem'), cert);
  }

  // Not in a hook: what it leaves in a temporary directory is removed when that is over.
  await renewCertificate();
  await once(origin.listen(0, '127.0.0.1'), 'listening');
  const node = await startNode(configOf(['/first']));
  after(async () => {
    await node.stop();
    origin.close();
  });

  async function change(config: object): Promise<NodeStatus['revision']> {
    const old = (await statusOf(node)).revision.hash;
    const path = join(node.state, 'meridian.json');
    await writeFile(`${path}.new`, JSON.stringify(config).replaceAll('{address}', node.address));
    await rename(`${path}.new`, path);
    let revision: NodeStatus['revision'] | undefined;
    await until('it serves the change', async () => {
      ({ revision } = await statusOf(node));
      return revision.hash !== old;
    });
    return revision!;
  }

  const ask = async (path: string) => (await send({ address: node.address, host, path })).status;
  const askAllThreads = (path: string) =>
    Promise.all(Array.from({ length: enoughForAllThreads }, () => ask(path)));
  const all = (status: number) => Array(enoughForAllThreads).fill(status);

  test('from the moment that it is ready, and that it tells a change, every thread serves it', async () => {
    assert.deepEqual(await askAllThreads('/first'), all(200));
    await change(configOf(['/second']));
    assert.deepEqual(await askAllThreads('/second'), all(200));
    assert.deepEqual(await askAllThreads('/first'), all(404));
  });

  test('what is written half, or wrong, is refused and told; the right one after it is taken', async () => {
    const path = join(node.state, 'meridian.json');
    await writeFile(path, '{ "regions": {');
    const told = /was refused: .*meridian\.json/s;
    await until('it is told', async () => told.test((await statusOf(node)).degraded.join('\n')));
    assert.equal(await ask('/second'), 200);
    assert.equal((await fetch(`http://${node.address}:9000/ready`)).status, 200);
    await change(configOf(['/second', '/third']));
    assert.equal(await ask('/third'), 200);
    await until('all is well', async () => (await statusOf(node)).degraded.length === 0);
  });

  test('a renewed certificate is served without a restart', async () => {
    const serial = () =>
      new Promise<string>((resolve, reject) => {
        const options = { host: node.address, port: 8443, servername: host };
        const socket = connect({ ...options, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        }).on('error', reject);
      });
    const old = await serial();
    await renewCertificate();
    await until('the new one is served', async () => (await serial()) !== old);
    await until('all is well', async () => (await statusOf(node)).degraded.length === 0);
    assert.equal(await ask('/third'), 200);
  });

  test('its last route can be removed', async () => {
    await change(configOf([]));
    assert.deepEqual(await askAllThreads('/third'), all(404));
  });

  test('an update to 40,000 routes costs seconds of CPU, and no request', async (context) => {
    const cpuSeconds = async () => {
      const text = await admin(node, '/metrics');
      return Number(/^process_cpu_seconds_total (\S+)$/m.exec(text)?.[1]);
    };
    await change(configOf(['/kept']));
    const before = await cpuSeconds();
    const answers: number[] = [];
    let over = false;
    const load = async () => {
      while (!over) answers.push(await ask('/kept'));
    };
    const many = Array.from({ length: 40_000 }, (_, at) => `/many/${at}`);
    const changed = change(configOf(['/kept', ...many])).finally(() => {
      over = true;
    });
    const [{ appliedInSeconds }] = await Promise.all([changed, load()]);
    const spent = (await cpuSeconds()) - before;
    const figures = { spent, appliedInSeconds, requests: answers.length };
    context.diagnostic(JSON.stringify(figures));
    assert.equal(await ask('/many/39999'), 200);
    assert.deepEqual(new Set(answers), new Set([200]));
    assert.ok(spent < 20, `${spent} s of CPU`);
  });
});

describe('a node with a store', { skip: requireNatsServer() }, () => {
  test('has one connection to it, however many threads it has', async () => {
    const secret = 'a-secret-of-this-test';
    const cluster = await NatsCluster.start({ regions: ['here'], leaves: ['here'], secret });
    const leaf = cluster.leafUrl('here');
    const secretFile = join(await temporaryDirectory('secret'), 'store-secret');
    await writeFile(secretFile, secret, { mode: 0o600 });
    const config = {
      regions: { here: { address: '{address}', location } },
      store: { engine: 'jetstream', servers: { here: [leaf] } },
      threads,
    };
    const node = await startNode(config, '', { MERIDIAN_STORE_SECRET_FILE: secretFile });
    try {
      const pid = node.process.pid!;
      const port = Number(new URL(leaf).port);
      // Current: the head is watched and compared, reports are written, secrets are watched.
      await until('it knows that it is current', async () => {
        const { revision, store } = await statusOf(node);
        return store.reachable && revision.staleForSeconds! < 5;
      });
      // One that broke off is made again in its place; a second one would stay.
      await until('one connection', async () => (await connectionsTo(pid, port)) === 1);
    } finally {
      await node.stop();
      await cluster.close();
    }
  });
});

/** Established TCP connections of a process to a port, by proc(5). */
async function connectionsTo(pid: number, port: number): Promise<number> {
  const established = '01';
  const [, ...lines] = (await readFile(`/proc/${pid}/net/tcp`, 'utf8')).trim().split('\n');
  const rows = lines.map((line) => line.trim().split(/\s+/));
  const wanted = new Set(
    rows
      .filter(([, , remote, state]) => {
        return state === established && Number.parseInt(remote!.split(':')[1]!, 16) === port;
      })
      .map((row) => `socket:[${row[9]}]`),
  );
  const folder = `/proc/${pid}/fd`;
  const targets = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(join(folder, fd)).catch(() => '')),
  );
  return targets.filter((target) => wanted.has(target)).length;
}
