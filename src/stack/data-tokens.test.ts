import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { relocate } from '../config/relocate.ts';
import { configSchema } from '../config/schema/config.ts';
import { loadMaterial } from '../region/configuration/material.ts';
import { KeyRing } from '../secrets/key-ring.ts';
import { keepDataTokens } from './data-tokens.ts';
import { portNeeds } from './plan/port-needs.ts';
import { planProcesses } from './plan/processes.ts';
import { layoutOf } from './state/layout.ts';

const location = { latitude: 0, longitude: 0 };
const document = {
  regions: {
    eu: { address: '127.0.2.1', location },
    us: { address: '127.0.1.1', location },
    wi: { address: '127.0.4.1', location, kind: 'witness' },
  },
  services: {
    rates: { endpoints: { eu: ['127.0.2.1:7001'], us: ['127.0.1.1:7001'] } },
    other: { endpoints: { eu: ['127.0.2.1:7002'] } },
  },
  data: {
    buckets: { history: { consistency: 'async' } },
    tokens: {
      rates: { rights: { history: 'write' } },
      own: { token: 'own.token', rights: { history: 'read' } },
    },
  },
  stack: { services: { rates: { command: ['true'] }, other: { command: ['true'] } } },
};

test('a stack makes a token for each service, which its nodes know and the service is given', async () => {
  const layout = layoutOf(await temporaryDirectory('stack-tokens'));
  const ring = KeyRing.parse(KeyRing.generate(), 'key');
  const config = configSchema.parse(document);
  const tokens = keepDataTokens(config, layout, ring);
  assert.deepEqual([...tokens.keys()], ['rates']);
  assert.deepEqual(keepDataTokens(config, layout, ring), tokens, 'kept');
  const token = tokens.get('rates')!;
  for (const region of ['eu', 'us']) {
    const { directory } = layout.region(region).node(undefined);
    const file = join(directory, 'data', 'rates.token');
    assert.ok(!readFileSync(file, 'utf8').includes(token), 'sealed');
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const { own: _, ...made } = config.data.tokens;
    const named = { ...config, data: { ...config.data, tokens: made } };
    const { material } = await loadMaterial(named, region, directory, { ring, secrets: {} });
    assert.deepEqual(material.dataTokens, { rates: token });
  }
  const planned = planProcesses({
    ...{ config, layout, meridian: ['node', 'meridian'], configDirectory: '/', seed: 's' },
    ...{ store: undefined, environment: {}, dataTokens: tokens },
  });
  const seen = planned.map(({ id, environment }) => [
    id,
    environment.MERIDIAN_DATA_URL,
    environment.MERIDIAN_DATA_TOKEN === token,
  ]);
  assert.deepEqual(
    seen.filter(([, url]) => url !== undefined),
    [
      ['eu/service/rates', 'http://127.0.2.1:9100', true],
      ['us/service/rates', 'http://127.0.1.1:9100', true],
    ],
  );
});

test('the port of the data API moves with the others, and is proved free where it is used', () => {
  const moved = configSchema.parse(relocate(document, { portOffset: 1_000, loopback: 3 }));
  assert.equal(moved.data.port, 10_100);
  const places = (of: typeof moved) =>
    portNeeds(of, false)
      .filter(({ purpose }) => purpose.startsWith('data API'))
      .map(({ host, port }) => `${host}:${port}`);
  assert.deepEqual(places(moved), ['127.3.2.1:10100', '127.3.1.1:10100']);
  const { data: _, ...without } = document;
  assert.deepEqual(places(configSchema.parse(without)), []);
  assert.equal('data' in (relocate(without, { portOffset: 1, loopback: 0 }) as object), false);
});
