import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Config } from '../../config/schema/config.ts';
import { formatIdentity, identify } from '../processes/identity.ts';
import { layoutOf } from '../state/layout.ts';
import { portNeeds } from './port-needs.ts';
import { planProcesses } from './processes.ts';
import { config, oneNode, twoNodes } from './testdata/planned.ts';

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
