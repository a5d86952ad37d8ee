import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig, parseConfig } from '../../config/load.ts';
import type { Config } from '../../config/schema/config.ts';
import { formatIdentity, identify } from '../processes/identity.ts';
import { layoutOf } from '../state/layout.ts';
import { emptyRecord, readRecord, writeRecord } from '../state/record.ts';
import { fakeConfig, makeFolder } from '../testdata/fake-stack.ts';
import { effectiveConfig, effectiveFileFor, type StackShape } from './effective-config.ts';
import { stackNodes, withNodes } from './nodes.ts';
import { portNeeds } from './port-needs.ts';
import { planProcesses } from './processes.ts';

const folder = makeFolder();
after(() => rmSync(folder, { recursive: true }));

const shape = (portOffset: number, loopback: number, nodes?: number) => ({
  relocation: { portOffset, loopback },
  nodes,
});

const location = { latitude: 0, longitude: 0 };
const document = {
  regions: {
    eu: { address: '127.0.2.1', location },
    us: { address: '127.0.1.1', bind: '127.0.1.9', location },
    watch: { address: '127.0.3.1', location, kind: 'witness' },
    far: { address: '127.0.4.1', location },
  },
  services: {
    rates: { endpoints: { eu: ['127.0.2.1:8101', '127.0.2.1:8102'], us: ['127.0.1.9:8101'] } },
    outside: { endpoints: { eu: ['127.0.0.1:3000'] } },
  },
  store: { engine: 'jetstream' },
  stack: {
    services: { rates: { command: ['node', 'rates.ts'], env: { MODE: 'test', PORT: '1' } } },
  },
};
const { config } = parseConfig(JSON.stringify(document), 'test.yaml');

const { eu, us, watch } = document.regions;
const smaller = { ...document, regions: { eu, us: { ...us, bind: undefined }, watch } };
const oneNode = parseConfig(JSON.stringify(smaller), 'test.yaml').config;
const twoNodes = parseConfig(JSON.stringify(withNodes(smaller, oneNode, 2)), 'test.yaml').config;

const secret = 'a-password-of-the-store';
/** What an operator may have set, for themselves or for another stack. */
const secretNames = [
  'MERIDIAN_SECRET_KEY',
  'MERIDIAN_SECRET_KEY_FILE',
  'MERIDIAN_STORE_PASSWORD',
  'MERIDIAN_STORE_SECRET_FILE',
  'MERIDIAN_ADMIN_TOKEN',
  'MERIDIAN_ADMIN_TOKEN_FILE',
];
const secrets = Object.fromEntries(secretNames.map((name) => [name, 'of the operator']));

const plan = (program: string | undefined, of: Config = config) =>
  planProcesses({
    config: of,
    layout: layoutOf('/state'),
    meridian: ['/bin/node', '/src/main.ts'],
    configDirectory: '/project',
    store: program === undefined ? undefined : { program, secret },
    seed: 'the-id-of-this-up',
    environment: { PATH: '/bin', HOST: 'laptop', ...secrets },
  });

test('each region has its node, a process per endpoint that the stack starts, and its store servers', () => {
  assert.deepEqual(
    plan('/bin/nats-server').map(({ id }) => id),
    [
      'eu/node',
      'eu/service/rates',
      'eu/service/rates-2',
      'eu/store/hub',
      'eu/store/leaf',
      'us/node',
      'us/service/rates',
      'us/store/hub',
      'us/store/leaf',
      'watch/node',
      'watch/store/hub',
      'watch/store/leaf',
      'far/node',
      'far/store/leaf',
    ],
  );
  assert.ok(plan(undefined).every(({ kind }) => kind === 'node' || kind === 'service'));
});

test('a node runs on the effective configuration and its own folder', () => {
  const [node] = plan(undefined);
  assert.deepEqual(
    [node?.command, ...(node?.args ?? [])],
    [
      '/bin/node',
      '/src/main.ts',
      'run',
      '--region',
      'eu',
      '--config',
      '/state/config.json',
      '--state',
      '/state/regions/eu',
      '--seed',
      'the-id-of-this-up',
    ],
  );
  assert.equal(node?.environment.MERIDIAN_ADMIN_TOKEN_FILE, '/state/admin-token');
  assert.equal(node?.environment.MERIDIAN_SECRET_KEY_FILE, '/state/secret-key');
  assert.equal(node?.environment.MERIDIAN_SECRET_KEY, undefined);
});

test('each of several nodes has its name, folder and log; the seed is one for all', () => {
  const nodes = plan('/bin/nats-server', twoNodes).filter(({ kind }) => kind === 'node');
  assert.deepEqual(
    nodes.map(({ id, node, logPath }) => [id, node, logPath]),
    [
      ['eu/node/a', 'a', '/state/regions/eu/nodes/a/node.log'],
      ['eu/node/b', 'b', '/state/regions/eu/nodes/b/node.log'],
      ['us/node/a', 'a', '/state/regions/us/nodes/a/node.log'],
      ['us/node/b', 'b', '/state/regions/us/nodes/b/node.log'],
      ['watch/node', undefined, '/state/regions/watch/node.log'],
    ],
  );
  assert.deepEqual(nodes[1]?.args.slice(1), [
    ...['run', '--region', 'eu', '--node', 'b', '--config', '/state/config.json'],
    ...['--state', '/state/regions/eu/nodes/b', '--seed', 'the-id-of-this-up'],
  ]);
  const others = (of: Config) =>
    plan('/bin/nats-server', of).flatMap(({ kind, id }) => (kind === 'node' ? [] : id));
  assert.deepEqual(others(twoNodes), others(oneNode), 'one set of servers and services per region');
});

test('a secret is in the environment of those processes only that need it', () => {
  const given = (environment: NodeJS.ProcessEnv) =>
    Object.fromEntries(Object.entries(environment).filter(([name]) => secretNames.includes(name)));
  for (const program of ['/bin/nats-server', undefined]) {
    for (const { kind, id, environment } of plan(program)) {
      const expected = {
        service: {},
        hub: { MERIDIAN_STORE_PASSWORD: `"${secret}"` },
        leaf: { MERIDIAN_STORE_PASSWORD: `"${secret}"` },
        node: {
          MERIDIAN_ADMIN_TOKEN_FILE: '/state/admin-token',
          MERIDIAN_SECRET_KEY_FILE: '/state/secret-key',
          // Of servers that the operator runs, the operator knows the password.
          ...(program === undefined
            ? {
                MERIDIAN_STORE_PASSWORD: 'of the operator',
                MERIDIAN_STORE_SECRET_FILE: 'of the operator',
              }
            : { MERIDIAN_STORE_SECRET_FILE: '/state/store-secret' }),
        },
      }[kind];
      assert.deepEqual(given(environment), expected, id);
      const values = Object.values(environment).join(' ');
      assert.equal(values.includes(secret), kind === 'hub' || kind === 'leaf', id);
    }
  }
});

test('a service is told where to listen, whatever the environment says', () => {
  const second = plan(undefined).find(({ id }) => id === 'eu/service/rates-2');
  assert.deepEqual(second?.environment, {
    PATH: '/bin',
    MERIDIAN_STACK: '/state',
    MERIDIAN_SUPERVISOR: formatIdentity(identify(process.pid)!),
    MODE: 'test',
    HOST: '127.0.2.1',
    PORT: '8102',
    REGION: 'eu',
    SERVICE: 'rates',
  });
  assert.deepEqual([second?.command, ...(second?.args ?? [])], [process.execPath, 'rates.ts']);
  assert.equal(second?.directory, '/project');
  assert.equal(second?.logPath, '/state/regions/eu/services/rates-2.log');
  assert.ok(plan(undefined).every(({ environment }) => environment.MERIDIAN_STACK === '/state'));
});

test('every port that will be bound is proved, at the address that is bound', () => {
  const needs = portNeeds(config, true).map(
    ({ host, port, transport, purpose }) => `${host}:${port}/${transport} ${purpose}`,
  );
  assert.equal(new Set(needs).size, needs.length);
  const of = (region: string) => needs.filter((need) => need.endsWith(` of ${region}`));
  assert.deepEqual(of('us'), [
    '127.0.1.9:8080/tcp HTTP of us',
    '127.0.1.9:8443/tcp HTTPS of us',
    '127.0.1.9:5300/tcp DNS of us',
    '127.0.1.9:5300/udp DNS of us',
    '127.0.1.9:9000/tcp admin API of us',
    '127.0.1.9:9443/tcp inter-region link of us',
    '127.0.1.9:8101/tcp service rates of us',
    '127.0.1.9:4222/tcp store leaf of us',
    '127.0.1.9:4223/tcp store hub of us',
    '127.0.1.9:6222/tcp store routes of us',
    '127.0.1.9:7422/tcp store leaf links of us',
  ]);
  assert.deepEqual(
    of('watch').map((need) => need.split(' ').slice(1).join(' ')),
    [
      'admin API of watch',
      'inter-region link of watch',
      'store leaf of watch',
      'store hub of watch',
      'store routes of watch',
      'store leaf links of watch',
    ],
  );
  assert.ok(!needs.some((need) => need.includes(':3000')), 'what the stack does not start');
  assert.equal(portNeeds(config, false).length, needs.length - (4 * 1 + 3 * 3));
});

test('each node claims the ports of a region at its own address', () => {
  const needs = portNeeds(twoNodes, true);
  const places = needs.map(({ host, port, transport }) => `${host}:${port}/${transport}`);
  assert.equal(new Set(places).size, places.length);
  const atB = needs.filter(({ host }) => host === '127.0.2.2');
  assert.deepEqual(
    atB.map(({ purpose, port, transport }) => `${purpose} ${port}/${transport}`),
    [
      'HTTP of eu/b 8080/tcp',
      'HTTPS of eu/b 8443/tcp',
      'DNS of eu/b 5300/tcp',
      'DNS of eu/b 5300/udp',
      'admin API of eu/b 9000/tcp',
      'inter-region link of eu/b 9443/tcp',
    ],
  );
  assert.equal(needs.length, portNeeds(oneNode, true).length + 2 * 6);
});

test('nodes are a, b, …, at the addresses after that of the region; one changes nothing', () => {
  assert.equal(withNodes(smaller, oneNode, 1), smaller);
  assert.deepEqual(twoNodes.regions.eu?.nodes, {
    a: { address: '127.0.2.1' },
    b: { address: '127.0.2.2' },
  });
  assert.deepEqual(
    stackNodes(twoNodes).map(({ title, bind, serves }) => [title, bind, serves]),
    [
      ['eu/a', '127.0.2.1', true],
      ['eu/b', '127.0.2.2', true],
      ['us/a', '127.0.1.1', true],
      ['us/b', '127.0.1.2', true],
      ['watch', '127.0.3.1', false],
    ],
  );
  const eight = withNodes(smaller, oneNode, 8) as typeof smaller & { regions: { eu: object } };
  const { nodes } = eight.regions.eu as unknown as { nodes: Record<string, object> };
  assert.deepEqual(Object.keys(nodes), ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']);
  assert.deepEqual(nodes.h, { address: '127.0.2.8' });
});

test('nodes that have no place are refused with what is there', () => {
  const refusal = (regions: object, count = 3) => {
    const written = { regions };
    const { config: of } = parseConfig(JSON.stringify(written), 'test.yaml');
    return () => withNodes(written, of, count);
  };
  const at = (address: string, more: object = {}) => ({ address, location, ...more });
  for (const [attempt, message] of [
    [
      refusal({ eu: at('127.0.2.1'), us: at('127.0.2.3') }),
      /node c of eu would have 127\.0\.2\.3, the address of region us$/,
    ],
    [
      refusal({ us: at('127.0.2.3'), eu: at('127.0.2.2') }),
      /node b of eu would have 127\.0\.2\.3, the address of region us$/,
    ],
    [
      refusal({ eu: at('127.0.2.253') }),
      /node c of eu has no address: none follows 127\.0\.2\.253 by 2/,
    ],
    [
      refusal({ eu: at('10.0.0.1', { bind: '0.0.0.0' }) }),
      /region eu listens on 0\.0\.0\.0, which is not/,
    ],
    [
      refusal({ eu: at('127.0.2.1', { nodes: { x: { address: '127.0.2.1' } } }) }, 1),
      /region eu names its nodes in the configuration: leave --nodes out$/,
    ],
  ] as const) {
    assert.throws(attempt, { code: 'nodes_unplaceable', message });
  }
});

test('the effective configuration is moved, names the store servers, and loads as the same', async () => {
  const file = join(folder, 'meridian.yaml');
  writeFileSync(file, JSON.stringify(document));
  const effective = await effectiveConfig(file, shape(10, 5));
  assert.deepEqual(effective.config.store, {
    engine: 'jetstream',
    servers: {
      eu: ['nats://127.5.2.1:4232'],
      us: ['nats://127.5.1.9:4232'],
      watch: ['nats://127.5.3.1:4232'],
      far: ['nats://127.5.4.1:4232'],
    },
    tls: false,
  });
  const written = join(folder, 'config.json');
  writeFileSync(written, effective.text);
  assert.deepEqual((await loadConfig(written)).config, effective.config);
});

test('store servers that the configuration names are somebody else’s', async () => {
  const servers = Object.fromEntries(
    Object.keys(document.regions).map((region) => [region, ['nats://10.0.0.1:4222']]),
  );
  const file = join(folder, 'outside.yaml');
  writeFileSync(file, JSON.stringify({ ...document, store: { engine: 'jetstream', servers } }));
  const effective = await effectiveConfig(file, shape(10, 0));
  assert.equal(effective.storeServers, undefined);
  assert.deepEqual(effective.config.store, { engine: 'jetstream', servers, tls: false });
});

test('a stack without a store engine runs none', async () => {
  const file = join(folder, 'memory.yaml');
  writeFileSync(file, JSON.stringify(fakeConfig));
  assert.equal((await effectiveConfig(file, shape(0, 0))).storeServers, undefined);
});

test('a stack of its own store servers does not talk TLS to them, and says so', async () => {
  const file = join(folder, 'tls.yaml');
  writeFileSync(file, JSON.stringify({ ...smaller, store: { engine: 'jetstream', tls: true } }));
  await assert.rejects(effectiveConfig(file, shape(0, 0)), { code: 'store_tls_unsupported' });
});

/** A running stack as its stack.json tells of it. */
async function runningStack(file: string, of: StackShape) {
  const { storeServers, text } = await effectiveConfig(file, of);
  const written = join(folder, 'running.json');
  writeFileSync(written, text);
  const { relocation, nodes } = of;
  const record = { ...emptyRecord('/s'), shape: { relocation, nodes, storeServers } };
  const path = join(folder, 'stack.json');
  writeRecord(path, record);
  const layout = layoutOf(folder);
  return {
    stack: { layout, record: readRecord(path)!, supervised: true },
    revision: (await loadConfig(written)).revision,
  };
}

test('a file that is applied to a running stack gets the shape of its up', async () => {
  const file = join(folder, 'apply.yaml');
  const withFiles = { ...smaller, geo: { database: 'countries.mmdb' } };
  writeFileSync(file, JSON.stringify(withFiles));
  const { stack, revision } = await runningStack(file, shape(10, 5, 2));
  const same = await effectiveFileFor(stack, file);
  assert.equal(
    same.revision,
    revision,
    'the same file is the revision that the nodes started with',
  );
  assert.equal(same.config.geo.database, join(folder, 'countries.mmdb'));

  // Other ports for the store move no server that runs; a new region gets some of its own.
  const { far } = document.regions;
  const changed = {
    ...withFiles,
    regions: { ...smaller.regions, far },
    stack: { ...document.stack, storePorts: { leaf: 4444 } },
  };
  writeFileSync(file, JSON.stringify(changed));
  const other = await effectiveFileFor(stack, file);
  assert.deepEqual(other.config.store.engine === 'jetstream' && other.config.store.servers, {
    eu: ['nats://127.5.2.1:4232'],
    us: ['nats://127.5.1.1:4232'],
    watch: ['nats://127.5.3.1:4232'],
    far: ['nats://127.5.4.1:4454'],
  });
  assert.deepEqual(Object.keys(other.config.regions.far?.nodes ?? {}), ['a', 'b']);
  const again = parseConfig(JSON.stringify(other.document), '/elsewhere/config.json');
  assert.equal(again.revision, other.revision, 'what a node computes, wherever it has it from');
});

test('a stack that did not write down its shape is of another version', async () => {
  const stack = { layout: layoutOf('/state'), record: emptyRecord('/s'), supervised: true };
  await assert.rejects(effectiveFileFor(stack, join(folder, 'apply.yaml')), {
    code: 'stack_not_running',
    message: /not started by this version/,
  });
});
