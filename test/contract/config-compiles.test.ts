import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/config/config-error.ts';
import { parseConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/config/schema/config.ts';
import { compileTopology } from '../../src/config/topology.ts';
import { compileZones } from '../../src/dns/zone/compile.ts';
import { compileRouter } from '../../src/gateway/router/router.ts';

/** What `meridian check` accepts, gateways and name servers can serve: nothing is found out later. */
function compiles(config: Config): void {
  compileRouter(config.routes);
  compileZones(config, compileTopology(config), 1);
}

function accept(document: unknown): Config | undefined {
  try {
    return parseConfig(JSON.stringify(document), 'm.json').config;
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return undefined;
  }
}

const regions = {
  a: { address: '127.0.1.1', location: { latitude: 0, longitude: 0 } },
  b: { address: '127.0.2.1', location: { latitude: 0, longitude: 0 } },
  w: { address: '127.0.3.1', location: { latitude: 0, longitude: 0 }, kind: 'witness' },
};
const services = { s: { endpoints: { a: ['x:1'] } }, t: { endpoints: { a: ['y:1'], b: ['y:1'] } } };

test('the valid golden file compiles', () => {
  const path = join(import.meta.dirname, '../../src/config/testdata/valid.in.yaml');
  compiles(parseConfig(readFileSync(path, 'utf8'), path).config);
});

test('every accepted zone compiles', () => {
  const label = fc.constantFrom(
    'a',
    'b',
    'ns1',
    '_x',
    'a-b',
    'x'.repeat(63),
    '*',
    '@',
    '\\.',
    'ü',
    '',
  );
  const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
  const value = fc.oneof(
    fc.constantFrom('192.0.2.1', '2001:db8::1', '::ffff:1.2.3.4', 'fe80::1%a', '1.2.3', 'x', 'x.'),
    fc.constantFrom(
      '"a" "b"',
      '"a',
      '"\\300"',
      '"\\200"',
      '"\\',
      ' ',
      'z.test',
      'x.z.test',
      '@',
      '.',
    ),
    name,
    fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
    fc.string({ minLength: 1, maxLength: 300 }).map((text) => JSON.stringify(text)),
  );
  const values = fc.array(value, { minLength: 1, maxLength: 2 });
  const answer = fc.record(
    {
      region: fc.constantFrom('a', 'b', 'w'),
      values,
      weight: fc.constantFrom(0, 1),
      role: fc.constantFrom('primary', 'secondary'),
    },
    { requiredKeys: [] },
  );
  const set = fc.record(
    {
      name: fc.oneof(name, fc.constantFrom('@', 'a', 'ns-a')),
      type: fc.constantFrom('A', 'AAAA', 'CNAME', 'TXT', 'NS'),
      routing: fc.constantFrom('simple', 'weighted', 'failover', 'latency'),
      values,
      answers: fc.array(answer, { minLength: 1, maxLength: 2 }),
      service: fc.constantFrom('s', 't'),
      evaluate: fc.constantFrom('service', 'gateway', 'none'),
    },
    { requiredKeys: ['name', 'type'] },
  );
  const zone = fc.record(
    {
      records: fc.array(set, { maxLength: 3 }),
      nameservers: fc.array(name, { minLength: 1, maxLength: 2 }),
      soa: fc.record({ hostmaster: fc.oneof(name, fc.constantFrom('a.b@z.test', 'a@b@c')) }),
    },
    { requiredKeys: ['records'] },
  );
  const zoneName = fc.constantFrom('z.test', 'a.z.test', 'test', 'Z.test', `${'y'.repeat(63)}.y`);
  let accepted = 0;
  fc.assert(
    fc.property(fc.dictionary(zoneName, zone, { minKeys: 1, maxKeys: 2 }), (zones) => {
      const config = accept({ regions, services, zones });
      if (!config) return;
      accepted++;
      compiles(config);
    }),
    { numRuns: 1_500 },
  );
  assert.ok(accepted > 30, `only ${accepted} were accepted`);
});

test('every accepted list of routes compiles', () => {
  const segment = fc.constantFrom(
    'v1',
    ':a',
    ':b',
    ':',
    '.',
    '..',
    '',
    'é',
    'a:b',
    '*',
    '[x]',
    '\u0001',
  );
  const path = fc.oneof(
    fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`),
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => `/${text}`),
  );
  const route = fc.record(
    {
      name: fc.constantFrom('a', 'b', 'c'),
      hosts: fc.array(fc.constantFrom('x.test', '*.test', '*.x.test'), {
        minLength: 1,
        maxLength: 2,
      }),
      prefix: path,
      pattern: path,
      methods: fc.array(fc.constantFrom('GET', 'POST'), { minLength: 1, maxLength: 2 }),
      service: fc.constant('s'),
    },
    { requiredKeys: ['name', 'service'] },
  );
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(route, { minLength: 1, maxLength: 3 }), (routes) => {
      const config = accept({ regions, services, routes });
      if (!config) return;
      accepted++;
      compiles(config);
    }),
    { numRuns: 1_500 },
  );
  assert.ok(accepted > 100, `only ${accepted} were accepted`);
});
