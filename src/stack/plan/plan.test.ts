import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig, parseConfig } from '../../config/load.ts';
import { formatIdentity, identify } from '../processes/identity.ts';
import { layoutOf } from '../state/layout.ts';
import { fakeConfig, makeFolder } from '../testdata/fake-stack.ts';
import { effectiveConfig } from './effective-config.ts';
import { portNeeds } from './port-needs.ts';
import { planProcesses } from './processes.ts';

const folder = makeFolder();
after(() => rmSync(folder, { recursive: true }));

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

const plan = (natsServer: string | undefined) =>
  planProcesses({
    config,
    layout: layoutOf('/state'),
    meridian: ['/bin/node', '/src/main.ts'],
    configDirectory: '/project',
    natsServer,
    environment: { PATH: '/bin', HOST: 'laptop' },
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
    ],
  );
  assert.equal(node?.environment.MERIDIAN_ADMIN_TOKEN_FILE, '/state/admin-token');
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

test('the effective configuration is moved, names the store servers, and loads as the same', async () => {
  const file = join(folder, 'meridian.yaml');
  writeFileSync(file, JSON.stringify(document));
  const effective = await effectiveConfig(file, { portOffset: 10, loopback: 5 });
  assert.equal(effective.runsStore, true);
  assert.deepEqual(effective.config.store, {
    engine: 'jetstream',
    servers: {
      eu: ['nats://127.5.2.1:4232'],
      us: ['nats://127.5.1.9:4232'],
      watch: ['nats://127.5.3.1:4232'],
      far: ['nats://127.5.4.1:4232'],
    },
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
  const effective = await effectiveConfig(file, { portOffset: 10, loopback: 0 });
  assert.equal(effective.runsStore, false);
  assert.deepEqual(effective.config.store, { engine: 'jetstream', servers });
});

test('a stack without a store engine runs none', async () => {
  const file = join(folder, 'memory.yaml');
  writeFileSync(file, JSON.stringify(fakeConfig));
  assert.equal((await effectiveConfig(file, { portOffset: 0, loopback: 0 })).runsStore, false);
});
