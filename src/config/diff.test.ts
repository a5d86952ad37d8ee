import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type ConfigDiff, diffConfigs, restartOnly } from './diff.ts';
import { acceptDocument } from './document.ts';
import type { ConfigInput } from './schema/config.ts';

const location = { latitude: 1, longitude: 2 };
const base: ConfigInput = {
  regions: {
    us: { address: '192.0.2.1', location },
    eu: {
      address: '198.51.100.1',
      location,
      nodes: { a: { address: '198.51.100.1' }, b: { address: '198.51.100.2' } },
    },
  },
  services: {
    rates: { endpoints: { us: ['10.0.0.1:80'], eu: ['10.1.0.1:80', '10.1.0.2:80'] } },
    convert: { endpoints: { us: ['10.0.0.9:80'] } },
  },
  routes: [
    { name: 'rates', prefix: '/v1/rates', service: 'rates' },
    { name: 'convert', prefix: '/v1/convert', service: 'convert' },
  ],
  zones: {
    'exchange.test': {
      records: [
        { name: 'api', type: 'A', routing: 'latency', service: 'rates' },
        { name: 'www', type: 'CNAME', values: ['api'] },
        { name: '@', type: 'TXT', values: ['hello'] },
      ],
    },
  },
};

const accepted = (document: ConfigInput) => acceptDocument(document, 'document');

/** `base`, changed by hand. */
function after(change: (draft: ReturnType<typeof draftOf>) => void): ConfigDiff {
  const draft = draftOf();
  change(draft);
  return diffConfigs(accepted(base).config, accepted(draft as unknown as ConfigInput).config);
}

type Fields = { [name: string]: Fields } & Fields[];
const draftOf = () => structuredClone(base) as unknown as Fields;
const set = (fields: unknown, name: string, value: unknown) => {
  (fields as Record<string, unknown>)[name] = value;
};

test('what concerns every region, in words', () => {
  const cases: [(draft: Fields) => void, string][] = [
    [(d) => set(d, 'ports', { http: 8081 }), 'listener http moves from 8080 to 8081'],
    [(d) => set(d, 'ports', { link: 9444 }), 'inter-region link moves from 9443 to 9444'],
    [
      (d) => set(d, 'listeners', { partners: { port: 8444 } }),
      'listener partners is opened on 8444',
    ],
    [(d) => set(d, 'health', { interval: '2s' }), 'health.interval: 1s → 2s'],
    [(d) => set(d, 'geo', { database: '/db' }), 'geo.database: none → /db'],
    [
      (d) => set(d.services!.rates, 'minimumHealthyShare', 1),
      'changed service rates (minimumHealthyShare)',
    ],
    [(d) => d.routes!.pop(), 'removed route convert'],
    [(d) => set(d.routes![0], 'methods', ['GET']), 'changed route rates (methods)'],
    [
      (d) => d.zones!['exchange.test']!.records!.splice(1, 2),
      'zone exchange.test: 2 record sets removed',
    ],
    [
      (d) => set(d.zones!['exchange.test']!.records![0], 'ttl', '7s'),
      'zone exchange.test: 1 record set changed',
    ],
    [(d) => set(d.zones!['exchange.test'], 'ttl', '7s'), 'changed zone exchange.test (ttl)'],
    [
      (d) => set(d, 'latency', [{ network: '192.0.2.0/24', regions: { us: '1s' } }]),
      'added latency of network 192.0.2.0/24',
    ],
    [(d) => set(d, 'threads', { dns: 3 }), 'takes effect at restart: threads.dns: 1 → 3'],
    [(d) => set(d, 'ports', { admin: 1 }), 'takes effect at restart: ports.admin: 9000 → 1'],
    [(d) => d.routes!.reverse(), 'order of routes'],
  ];
  for (const [change, sentence] of cases) {
    const { everywhere, regions, equal } = after(change);
    assert.deepEqual([everywhere, regions, equal], [[sentence], [], false]);
  }
});

test('what concerns one region is said there, and only there', () => {
  const cases: [(draft: Fields) => void, string, string[]][] = [
    [
      (d) => d.services!.rates!.endpoints!.eu!.pop(),
      'eu',
      ['service rates: removed endpoint 10.1.0.2:80'],
    ],
    [
      (d) => set(d.services!.rates!.endpoints, 'us', [{ address: '10.0.0.1:80', weight: 3 }]),
      'us',
      ['service rates: weight of 10.0.0.1:80 1 → 3'],
    ],
    [
      (d) => set(d.services!.convert!.endpoints, 'eu', ['10.1.0.9:80']),
      'eu',
      ['service convert: added endpoint 10.1.0.9:80'],
    ],
    [(d) => set(d.regions!.eu!.nodes, 'c', { address: '198.51.100.3' }), 'eu', ['node c added']],
    [(d) => void delete d.regions!.eu!.nodes!.b, 'eu', ['node b removed']],
    [
      (d) => set(d.regions!.eu!.nodes!.b, 'address', '198.51.100.9'),
      'eu',
      [
        'node b moves from 198.51.100.2 to 198.51.100.9',
        'takes effect at restart: address of the admin API of node b: 198.51.100.2 → 198.51.100.9',
      ],
    ],
    [
      (d) => set(d.regions!.us, 'bind', '10.0.0.5'),
      'us',
      [
        'bind added: 10.0.0.5',
        'takes effect at restart: address of the admin API of node us: 192.0.2.1 → 10.0.0.5',
      ],
    ],
    [
      (d) => set(d.regions, 'ap', { address: '203.0.113.1', location }),
      'ap',
      ['new, at 203.0.113.1, node ap'],
    ],
  ];
  for (const [change, region, changes] of cases) {
    const diff = after(change);
    assert.deepEqual([diff.everywhere, diff.regions], [[], [{ region, changes }]]);
  }
  const residency = after((d) => set(d.services!.convert, 'residency', ['us']));
  const words = ['service convert: may no longer be handled here'];
  assert.deepEqual(residency.regions, [{ region: 'eu', changes: words }]);
});

test('a region that goes, and a first revision', () => {
  const gone = after((d) => {
    delete d.regions!.eu;
    delete d.services!.rates!.endpoints!.eu;
  });
  assert.deepEqual(gone.regions, [{ region: 'eu', changes: ['is no region any more'] }]);
  const first = diffConfigs(undefined, accepted(base).config);
  assert.equal(first.equal, false);
  assert.ok(first.everywhere.includes('routes: 2'));
  assert.deepEqual(
    first.regions.map(({ changes }) => changes),
    [['new, at 192.0.2.1, node us'], ['new, at 198.51.100.1, nodes a, b']],
  );
});

test('of 10,000 routes the first few are told; they cost ten times what 1,000 cost', () => {
  const many = (prefix: string, count: number): ConfigInput => ({
    ...base,
    routes: Array.from({ length: count }, (_, n) => ({
      name: `r${n}`,
      prefix: `/${prefix}${n}`,
      service: 'rates',
    })),
  });
  const pairOf = (count: number) =>
    [accepted(many('a', count)).config, accepted(many('b', count)).config] as const;
  const cpuOf = ([a, b]: ReturnType<typeof pairOf>, times: number) => {
    const before = process.cpuUsage();
    for (let time = 0; time < times; time++) diffConfigs(a, b);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };
  const [few, all] = [pairOf(1_000), pairOf(10_000)];
  const diff = diffConfigs(...all);
  assert.deepEqual(diff.everywhere, [
    'changed 10000 routes: r0 (prefix), r1 (prefix), r2 (prefix), …',
  ]);
  const [routes] = diff.sections;
  assert.deepEqual([routes?.changed.count, routes?.changed.first.length], [10_000, 10]);
  assert.ok(JSON.stringify(diff).length < 4_000);
  // By a hundred, where each were compared with each.
  assert.ok(cpuOf(all, 3) < 50 * cpuOf(few, 30));
});

test('of a zone file it is told how long it is, and which', () => {
  const zone = (text: string) => ({ file: 'a.zone', contents: { 'a.zone': text } });
  const [one, other] = ['$TTL 5\na A 192.0.2.1\n', '$TTL 5\na A 192.0.2.2\n'].map(
    (text) => accepted({ regions: base.regions, zones: { 'a.test': zone(text) } }).config,
  );
  const [section] = diffConfigs(one, other!).sections;
  const [field] = section!.changed.first[0]!.fields.first;
  assert.match(field!.from!, /^2 lines, sha256 [0-9a-f]{8}$/);
  assert.match(field!.to!, /^2 lines, sha256 [0-9a-f]{8}$/);
  assert.notEqual(field!.from, field!.to);
});

test('values are shortened, and nothing in them acts on a terminal', () => {
  const { sections } = after((d) =>
    set(d.zones!['exchange.test']!.records![2], 'values', [`"\u001b[2J${'x'.repeat(200)}"`]),
  );
  const [field] = sections[0]!.changed.first[0]!.fields.first;
  assert.equal(field?.from, '["hello"]');
  assert.ok((field?.to?.length ?? 0) <= 60 && !field?.to?.includes('\u001b'), field?.to);
});

test('what takes effect at restart: of all, of a region, of one node', () => {
  const store = (servers: Record<string, string[]>) => ({ engine: 'jetstream' as const, servers });
  const before: ConfigInput = { ...base, store: store({ us: ['nats://a'], eu: ['nats://b'] }) };
  const next = structuredClone(before) as unknown as Fields;
  set(next, 'threads', { gateway: 4 });
  set(next, 'accessLog', false);
  set(next, 'ports', { http: 8081 });
  set(next.store!.servers, 'eu', ['nats://c']);
  set(next.regions!.eu!.nodes!.b, 'bind', '10.0.0.7');
  const of = (at?: { region: string; node?: string }) =>
    restartOnly(accepted(before).config, accepted(next as unknown as ConfigInput).config, at);
  const [threads, servers, bind] = [
    'threads.gateway: 2 → 4',
    'store.servers.eu: ["nats://b"] → ["nats://c"]',
    'address of the admin API of node b: 198.51.100.2 → 10.0.0.7',
  ];
  assert.deepEqual(of(), [threads, servers, bind]);
  assert.deepEqual(of({ region: 'us' }), [threads]);
  assert.deepEqual(of({ region: 'eu' }), [threads, servers, bind]);
  assert.deepEqual(of({ region: 'eu', node: 'a' }), [threads, servers]);
  assert.deepEqual(of({ region: 'eu', node: 'b' }), [threads, servers, bind]);
  const { config } = accepted(before);
  assert.deepEqual(restartOnly(config, config), []);
});

const name = fc.constantFrom('a', 'b', 'c', 'd');
const octet = fc.integer({ min: 1, max: 3 });
const endpoints = fc
  .array(octet, { minLength: 1, maxLength: 3 })
  .map((hosts) => [...new Set(hosts)].map((host) => `10.0.0.${host}:80`));
const document: fc.Arbitrary<ConfigInput> = fc
  .record({
    extra: fc.boolean(),
    services: fc.uniqueArray(fc.tuple(name, endpoints), { selector: ([key]) => key, maxLength: 4 }),
    routed: fc.uniqueArray(name, { maxLength: 4 }),
    ttl: fc.constantFrom('5s', '6s'),
    sets: fc.uniqueArray(name, { maxLength: 4 }),
    gateway: octet,
    drain: fc.constantFrom('1s', '2s'),
  })
  .map(({ extra, services, routed, ttl, sets, gateway, drain }) => ({
    ...base,
    regions: {
      ...base.regions,
      ...(extra && { ap: { address: '203.0.113.1', location } }),
    },
    services: Object.fromEntries(services.map(([key, us]) => [key, { endpoints: { us } }])),
    routes: routed.flatMap((service) =>
      services.some(([key]) => key === service)
        ? [{ name: service, prefix: `/${service}`, service }]
        : [],
    ),
    zones: {
      'exchange.test': {
        ttl,
        records: sets.map((key) => ({ name: key, type: 'TXT' as const, values: [key] })),
      },
    },
    threads: { gateway },
    drain: { maximum: drain },
  }));

test('equal if and only if the content hash is; what is added one way is removed the other', () => {
  fc.assert(
    fc.property(document, document, (one, other) => {
      const [a, b] = [accepted(one), accepted(other)];
      const [there, back] = [diffConfigs(a.config, b.config), diffConfigs(b.config, a.config)];
      assert.equal(there.equal, a.revision === b.revision);
      const said = there.everywhere.length + there.regions.length;
      assert.equal(said === 0, there.equal);
      const names = (diff: ConfigDiff, what: 'added' | 'removed') =>
        diff.sections.flatMap((section) =>
          section[what].first.map((entry) => `${section.section} ${entry}`),
        );
      assert.deepEqual(names(there, 'added').sort(), names(back, 'removed').sort());
      assert.deepEqual(restartOnly(a.config, a.config), []);
    }),
    { numRuns: 200 },
  );
});

test('a configuration does not differ from itself', () => {
  fc.assert(
    fc.property(document, (one) => {
      const again = accepted(structuredClone(one)).config;
      const { equal, sections, everywhere, regions } = diffConfigs(accepted(one).config, again);
      assert.deepEqual([equal, sections, everywhere, regions], [true, [], [], []]);
    }),
    { numRuns: 50 },
  );
});
