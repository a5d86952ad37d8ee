import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import type { NodeStatus } from '../admin/node-view.ts';
import { systemClock } from '../base/clock.ts';
import { createLog } from '../observability/log.ts';
import { startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.1';
const location = { latitude: 1, longitude: 2 };

let directory = '';
let state = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-node-'));
  state = join(directory, 'state');
  await (await takeStateDirectory(state)).release();
});
afterEach(() => rm(directory, { recursive: true }));

async function configure(ports: object, more: object = {}): Promise<string> {
  const path = join(directory, 'meridian.json');
  const document = { regions: { here: { address, location } }, ports, ...more };
  await writeFile(path, JSON.stringify(document));
  return path;
}

async function start(ports: object, more: object = {}, lines: string[] = []) {
  const configPath = await configure(ports, more);
  const write = (line: string) => void lines.push(line);
  const log = createLog({ region: 'here', clock: systemClock, write });
  const options = { region: 'here', stateDirectory: state, adminToken: undefined };
  return startNode({ ...options, configPath, version: '0', log });
}

async function everyPort() {
  const [http, https, dns, link, admin] = await freePorts(5, address);
  return { http, https, dns, link, admin };
}

test('a start that fails leaves nothing running and nothing locked, and the disk as it was', async () => {
  const ports = await everyPort();
  const lastHealth = join(state, 'last-health.json');
  const old = JSON.stringify({ writtenAtMs: 1, state: {} });
  await writeFile(lastHealth, old);

  // A thread cannot start: its siblings listen already, or are about to.
  const log = join(state, 'access.log');
  await symlink('/dev/null', log);
  await assert.rejects(start(ports), { code: 'access_log_unopenable' });
  await rm(log);

  // A port is taken, and by whom is not asked.
  const holder = createServer().listen(ports.dns, address);
  await once(holder, 'listening');
  await assert.rejects(start(ports), { code: 'port_taken' });
  holder.close();

  assert.equal(await readFile(lastHealth, 'utf8'), old, 'the age of the last states is lost');
  const node = await start(ports);
  await assert.rejects(start(ports), { code: 'state_directory_in_use' });
  await Promise.all([node.close(), node.close(), node.ended]);
  assert.notEqual(await readFile(lastHealth, 'utf8'), old);
  await (await takeStateDirectory(state)).release();
});

test('a node that serves in spite of its file says why, until a file serves', async () => {
  const ports = await everyPort();
  await (await start(ports)).close();
  const nowhere = { certificate: 'nope.pem', key: 'nope.pem' };
  const node = await start(ports, { tls: nowhere });
  const refusal = async () => {
    const answer = await fetch(`http://${address}:${node.adminPort}/status`);
    return ((await answer.json()) as NodeStatus).revision.fileRefused;
  };
  try {
    assert.match((await refusal()) ?? '', /cannot read .*nope\.pem/);
    await configure(ports);
    await eventually('the file serves', async () => (await refusal()) === undefined);
  } finally {
    await node.close();
  }
});

test('connections that are open over a revision are counted as open after it', async () => {
  const ports = await everyPort();
  const node = await start(ports);
  const ask = async (path: string) =>
    (await fetch(`http://${address}:${ports.admin}${path}`)).text();
  const open = async () => / (\d+)$/.exec(openLine.exec(await ask('/metrics'))?.[0] ?? '')?.[1];
  const openLine = /meridian_gateway_open_connections\{listener="http"\} \d+/;
  const hash = async () => JSON.parse(await ask('/status')).revision.hash as string;
  try {
    const client = connect(ports.http ?? 0, address);
    await once(client, 'connect');
    await eventually('a connection that is open', async () => (await open()) === '1');
    const first = await hash();
    await configure(ports, { zones: { 'a.test': { records: [] } } });
    await eventually('the next revision', async () => (await hash()) !== first);
    assert.equal(await open(), '1');
    client.destroy();
    await eventually('no connection that is open', async () => (await open()) === '0');
  } finally {
    await node.close();
  }
});

/** Begins what may fail, and does not wait for it. */
const carelessPlugin = `export default {
  name: 'careless',
  create: () => ({ onRequest() { void Promise.reject(new Error('nobody waits')); } }),
};`;

test('what a gateway thread has to say is in the log of the node, what plugins forget too', async () => {
  const lines: string[] = [];
  await writeFile(join(directory, 'careless.mjs'), carelessPlugin);
  const ports = await everyPort();
  const policies = [{ type: 'plugin', plugin: 'careless' }];
  const more = {
    services: { s: { endpoints: { here: ['nowhere.invalid:80'] } } },
    threads: { gateway: 1 },
    plugins: { careless: './careless.mjs' },
    routes: [{ name: 'r', respond: { status: 200 }, policies }],
  };
  const node = await start(ports, more, lines);
  const says = (pattern: RegExp) => () => lines.some((line) => pattern.test(line));
  try {
    const cannot = /"warn".*cannot be resolved: nowhere\.invalid/;
    await eventually('a word about the name', says(cannot));
    const get = async () => (await fetch(`http://${address}:${ports.http}/`)).status;
    assert.equal(await get(), 200);
    await eventually('a word about the plugin', says(/"warn".*defect survived: nobody waits/));
    assert.equal(await get(), 200);
    assert.ok(!says(/thread died/)());
  } finally {
    await node.close();
  }
});
