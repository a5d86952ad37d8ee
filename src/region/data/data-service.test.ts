import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../../../test/support/eventually.ts';
import { systemClock } from '../../base/clock.ts';
import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { createLog } from '../../observability/log.ts';
import { noMaterial } from '../configuration/material.ts';
import { dataStatus } from '../views/data-view.ts';
import { dataPlanOf } from './data-plan.ts';
import { DataService } from './data-service.ts';

const location = { latitude: 0, longitude: 0 };
const own = { region: 'eu', node: 'eu', bind: '127.0.0.1' };
const dataTokens = { rates: 'token-of-the-rates', convert: 'token-of-convert' };

function configured(
  data: ConfigInput['data'],
  port = 0,
  tokens: Record<string, string> = dataTokens,
) {
  const config = configSchema.parse({
    regions: {
      eu: { address: '127.0.0.1', location },
      us: { address: '127.0.0.2', location },
      wi: { address: '127.0.0.3', location, kind: 'witness' },
    },
    services: {
      rates: { endpoints: { eu: ['10.0.0.1:80', 'rates.test:80'], us: ['10.1.0.1:80'] } },
    },
    data,
  });
  const material = { ...noMaterial, dataTokens: tokens };
  return { config: { ...config, data: { ...config.data, port } }, own, material };
}

const buckets = {
  ledger: { consistency: 'sync' as const, residency: ['eu'] },
  far: { consistency: 'sync' as const, residency: ['us'] },
};
const tokens = { rates: { rights: { ledger: 'write' as const, far: 'read' as const } } };

function started(t: { after(close: () => unknown): void }) {
  const lines: string[] = [];
  const log = createLog({ region: 'eu', clock: systemClock, write: (line) => lines.push(line) });
  const service = new DataService({
    ...{ node: 'eu', clock: systemClock, log },
    store: () => ({ engine: 'memory' }),
  });
  t.after(() => service.close());
  const ask = (path: string, token = dataTokens.rates, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${service.port}/v1/buckets${path}`, {
      ...init,
      headers: { authorization: `Bearer ${token}` },
    });
  return { service, ask, lines };
}

test('who may connect, and which buckets are here', () => {
  const plan = dataPlanOf(configured({ buckets, tokens }));
  const always = ['127.0.0.0/8', '::1/128', '127.0.0.1/32'];
  assert.deepEqual(plan?.networks, [...always, '10.0.0.1/32']);
  assert.deepEqual(plan?.regions, ['eu', 'us']);
  assert.deepEqual(
    Object.entries(plan.buckets).map(([name, { regions, resident }]) => [name, regions, resident]),
    [
      ['ledger', ['eu'], true],
      ['far', ['us'], false],
    ],
  );
  assert.deepEqual(Object.keys(plan.grants), ['rates']);
  const given = dataPlanOf(configured({ buckets, clients: { eu: ['192.0.2.0/24'] } }));
  assert.deepEqual(given?.networks, [...always, '192.0.2.0/24']);
  assert.equal(dataPlanOf(configured({})), undefined);
});

test('buckets and tokens come, change and go while it serves; a thread that dies is replaced', async (t) => {
  const { service, ask } = started(t);
  service.use(configured({}));
  assert.equal(dataStatus(service), undefined);
  service.use(configured({ buckets, tokens }));
  await eventually('it listens', () => service.port !== undefined);
  const { port } = service;
  const put = await ask('/ledger/keys/a', dataTokens.rates, { method: 'PUT', body: 'one' });
  assert.equal(put.status, 204);
  assert.equal((await ask('/far/keys/a')).status, 421);
  assert.equal((await ask('/ledger/keys/a', dataTokens.convert)).status, 401);

  const more = { ...tokens, convert: { rights: { ledger: 'read' as const } } };
  const rotated = { ...dataTokens, rates: 'another-token-of-rates' };
  service.use(configured({ buckets, tokens: more }, 0, rotated));
  await eventually('the new token', async () => {
    return (await ask('/ledger/keys/a', dataTokens.convert)).status === 200;
  });
  assert.equal((await ask('/ledger/keys/a')).status, 401);
  assert.equal(service.port, port, 'the same listener');
  await eventually('a report', () => service.report);
  const status = dataStatus(service);
  assert.deepEqual(
    [
      status?.serving,
      status?.buckets.map(({ name, resident, writable }) => [name, resident, writable]),
    ],
    [
      true,
      [
        ['ledger', true, true],
        ['far', false, undefined],
      ],
    ],
  );
  await service.endThread();
  assert.equal(service.port, undefined);
  service.use(configured({ buckets, tokens }));
  await eventually('it listens again', () => service.port !== undefined);
  await eventually('with the plan of now', async () => {
    return (await ask('/ledger/keys/b')).status === 404;
  });
  service.use(configured({}));
  await eventually('it is closed', () => service.port === undefined);
  assert.deepEqual(service.troubles, []);
});

test('a port that is taken is a trouble, and served as soon as it is free', async (t) => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as { port: number };
  const { service, lines } = started(t);
  service.use(configured({ buckets, tokens }, port));
  await eventually('the trouble', () => service.troubles.length > 0);
  assert.match(service.troubles[0]!, /does not serve: .* another program holds the port/);
  assert.equal(dataStatus(service)?.serving, false);
  holder.close();
  await eventually('it listens', () => service.port === port);
  assert.deepEqual(service.troubles, []);
  assert.equal(lines.filter((line) => line.includes('does not serve')).length, 1, 'said once');
  assert.ok(lines.every((line) => !line.includes(dataTokens.rates)));
});
