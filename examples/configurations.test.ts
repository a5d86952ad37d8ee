import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '../src/config/load.ts';
import { compileRouter } from '../src/gateway/router/router.ts';

const folder = import.meta.dirname;
const files = globSync('*/meridian.yaml', { cwd: folder }).sort();

test('there are examples', () => {
  assert.deepEqual(files, [
    'currency-exchange/meridian.yaml',
    'edge/meridian.yaml',
    'minimal/meridian.yaml',
    'policy/meridian.yaml',
  ]);
});

for (const file of files) {
  test(`${file} is valid, names its schema and starts programs that exist`, async () => {
    const path = join(folder, file);
    const { config } = await loadConfig(path);
    const [first] = readFileSync(path, 'utf8').split('\n');
    const schema = /^# yaml-language-server: \$schema=(\S+)$/.exec(first!)?.[1];
    assert.ok(schema && existsSync(resolve(dirname(path), schema)), first);
    for (const [service, { command }] of Object.entries(config.stack?.services ?? {})) {
      assert.ok(config.services[service], service);
      assert.equal(command[0], 'node');
      assert.ok(existsSync(resolve(dirname(path), command[1]!)), command[1]);
    }
  });
}

test('the minimal one is one region, one service and little else', async () => {
  const path = join(folder, 'minimal/meridian.yaml');
  const { config } = await loadConfig(path);
  assert.equal(Object.keys(config.regions).length, 1);
  assert.equal(Object.keys(config.services).length, 1);
  assert.equal(config.store.engine, 'memory');
  assert.deepEqual(config.zones, {});
  assert.ok(readFileSync(path, 'utf8').trimEnd().split('\n').length <= 12);
});

test('each host of the currency exchange has an address and reaches its services', async () => {
  const { config } = await loadConfig(join(folder, 'currency-exchange/meridian.yaml'));
  const router = compileRouter(config.routes);
  const paths: Record<string, Record<string, string>> = {
    rates: { '/v1/rates': 'rates', '/v1/stream': 'rates', '/v1/history': 'rates' },
    convert: { '/v1/convert': 'convert', '/health': 'convert' },
  };
  paths.rates!['/health'] = 'rates';
  paths.api = { ...paths.rates, ...paths.convert, '/health': 'none' };
  paths.www = paths.api;
  const names = config.zones['exchange.test']!.records.filter(({ name }) => name !== '@');
  assert.deepEqual(names.map(({ name }) => name).sort(), Object.keys(paths).sort());
  for (const [name, expected] of Object.entries(paths)) {
    for (const path of ['/v1/rates', '/v1/stream', '/v1/history', '/v1/convert', '/health']) {
      const match = router.match(`${name}.exchange.test`, path, {
        method: 'GET',
        fields: [],
        query: '',
        listener: 'http',
      });
      const service = match.kind === 'route' ? config.routes[match.index]!.service : 'none';
      assert.equal(service, expected[path] ?? 'none', `${name}.exchange.test${path}`);
    }
  }
});
