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
  const label = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c-d', '_x', 'ns1') },
    { weight: 1, arbitrary: fc.constantFrom('x'.repeat(63), '*', '@', '\\.', 'ü', '') },
  );
  const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
  const odd = fc.oneof(
    fc.constantFrom('fe80::1%a', '1.2.3', '"a', '"\\300"', '"\\', ' ', 'z.test', 'x.z.test', '.'),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
    fc.string({ minLength: 1, maxLength: 300 }).map((text) => JSON.stringify(text)),
  );
  const target = fc.oneof(name, fc.constantFrom('@', 'x.', 'elsewhere.example.'));
  const plain: Readonly<Record<string, fc.Arbitrary<string>>> = {
    A: fc.ipV4(),
    AAAA: fc.ipV6(),
    CNAME: target,
    NS: target,
    TXT: fc.oneof(name, fc.constantFrom('"a" "b"', '"\\200"', 'v=spf1 -all')),
  };
  const owner = fc.oneof(name, fc.constantFrom('@', 'a', 'ns-a'));
  const service = fc.constantFrom('s', 't');
  const steering = {
    routing: fc.constantFrom('simple', 'weighted', 'failover', 'latency'),
    evaluate: fc.constantFrom('service', 'gateway', 'none'),
  };
  const set = fc.constantFrom(...Object.keys(plain)).chain((type) => {
    const value = fc.oneof({ weight: 6, arbitrary: plain[type]! }, { weight: 1, arbitrary: odd });
    const values = fc.array(value, { minLength: 1, maxLength: type === 'CNAME' ? 1 : 2 });
    const region = fc.constantFrom('a', 'b', 'w');
    const role = fc.constantFrom('primary', 'secondary');
    const answer = fc.record({ region, values, role }, { requiredKeys: ['values'] });
    const answers = fc.array(answer, { minLength: 1, maxLength: 2 });
    const start = { name: owner, type: fc.constant(type) };
    return fc.oneof(
      fc.record({ ...start, values }),
      fc.record({ ...start, answers, service, ...steering }),
      fc.record({ ...start, service, ...steering }),
    );
  });
  const nameServer = fc.oneof(name, fc.constantFrom('ns.elsewhere.example', 'ns.a.example.'));
  const hostmaster = fc.oneof(name, fc.constantFrom('a.b@z.test', 'a@b@c'));
  const zone = fc.record(
    {
      records: fc.array(set, { maxLength: 2 }),
      nameservers: fc.array(nameServer, { minLength: 1, maxLength: 2 }),
      soa: fc.record({ hostmaster }),
    },
    { requiredKeys: ['records'] },
  );
  const zoneName = fc.constantFrom('z.test', 'a.z.test', 'test', `${'y'.repeat(63)}.y`);
  let accepted = 0;
  fc.assert(
    fc.property(fc.dictionary(zoneName, zone, { minKeys: 1, maxKeys: 2 }), (zones) => {
      const config = accept({ regions, services, zones });
      if (!config) return;
      accepted++;
      compiles(config);
    }),
    { numRuns: 400 },
  );
  assert.ok(accepted > 15, `only ${accepted} were accepted`);
});

test('every accepted tree of record sets compiles', () => {
  const name = fc.constantFrom('a', 'b', 'b', 'c', 'plain', 'plain', 'plain');
  const nothing = fc.constantFrom({}, {}, {}, { evaluateTargetHealth: false }, { bias: 5 });
  const role = fc.constantFrom('primary', 'primary', 'secondary').map((one) => ({ role: one }));
  const location = fc.constantFrom(
    ...[{ continent: 'EU' }, { country: 'DE' }, { country: 'US' }, { subdivision: 'US-CA' }],
  );
  const place = fc.constant({ location: { latitude: 1, longitude: 2 }, bias: 5 });
  const network = fc.constantFrom('10.0.0.0/8', '10.0.0.0/16', '10.1.0.0/16', '2001:db8::/32');
  const networks = fc.uniqueArray(network, { minLength: 1, maxLength: 2 });
  const fallback = fc.constant({ default: true });
  const fields: Readonly<Record<string, fc.Arbitrary<object>>> = {
    simple: nothing,
    weighted: nothing,
    multivalue: nothing,
    failover: role,
    geolocation: fc.oneof(
      location.map((one) => ({ location: one })),
      fallback,
    ),
    geoproximity: fc.oneof(nothing, place),
    cidr: fc.oneof(
      networks.map((list) => ({ networks: list })),
      fallback,
    ),
  };
  const alias = name.map((one) => ({ alias: one }));
  const region = fc.constantFrom('a', 'b').map((one) => ({ region: one }));
  const from = fc.oneof(alias, alias, region, fc.constant({ values: ['192.0.2.1'] }));
  const settings = fc.constantFrom(
    ...[{}, {}, {}, { lastResort: 'closed' }, { lastResort: { fixed: ['192.0.2.2'] } }],
    ...[{ minimumHealthyShare: 0.5 }, { stickyBy: 'network' }],
  );
  const set = fc.constantFrom(...Object.keys(fields)).chain((routing) => {
    const answer = fc.tuple(from, fields[routing]!).map(([one, more]) => ({ ...one, ...more }));
    const answers = fc.array(answer, { minLength: 1, maxLength: 3 });
    return fc
      .tuple(answers, settings)
      .map(([list, more]) => ({ type: 'A', routing, answers: list, ...more }));
  });
  let accepted = 0;
  fc.assert(
    fc.property(fc.array(set, { minLength: 1, maxLength: 3 }), (sets) => {
      const named = sets.map((one, at) => ({ ...one, name: 'abc'[at] }));
      const records = [...named, { name: 'plain', type: 'A', values: ['192.0.2.3'] }];
      const config = accept({ regions, services, zones: { 'z.test': { records } } });
      if (!config) return;
      accepted++;
      compiles(config);
    }),
    { numRuns: 500 },
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
    { numRuns: 700 },
  );
  assert.ok(accepted > 10, `only ${accepted} were accepted`);
});
