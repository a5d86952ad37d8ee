import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import { type AnnouncementFacts, announce, commandsToTry } from './announcement.ts';
import { shellQuoted, stateFlag } from './command-name.ts';
import { sampleName, sampleRequest } from './samples.ts';

const location = { latitude: 0, longitude: 0 };
const document = {
  regions: {
    'us-east-1': { address: '127.0.1.1', location },
    'eu-west-1': { address: '127.0.2.1', bind: '127.0.2.9', location },
    watch: { address: '127.0.3.1', location, kind: 'witness' },
  },
  services: {
    rates: { endpoints: { 'us-east-1': ['127.0.1.1:8101'] } },
    convert: { endpoints: { 'us-east-1': ['127.0.1.1:8102'] } },
  },
  routes: [
    {
      name: 'post',
      hosts: ['api.exchange.test'],
      prefix: '/v1/orders',
      methods: ['POST'],
      service: 'rates',
    },
    { name: 'one', hosts: ['api.exchange.test'], pattern: '/v1/rates/:pair', service: 'rates' },
    { name: 'root', hosts: ['www.exchange.test'], service: 'rates' },
    { name: 'convert', hosts: ['*.exchange.test'], prefix: '/v1/convert', service: 'convert' },
  ],
  zones: {
    'exchange.test': {
      records: [
        { name: '@', type: 'A', values: ['127.0.1.1'] },
        { name: 'api', type: 'A', routing: 'latency', evaluate: 'gateway' },
      ],
    },
  },
  store: { engine: 'jetstream' },
  stack: { services: { rates: { command: ['rates'] }, convert: { command: ['convert'] } } },
};
const read = (changes: object = {}) =>
  parseConfig(JSON.stringify({ ...document, ...changes }), 'test.yaml').config;
const facts = {
  config: read(),
  file: '/home/me/my file.yaml',
  directory: '/home/me/my state',
  degraded: [] as string[],
  refused: [] as AnnouncementFacts['refused'],
  readyMs: 4_321,
  command: 'npx meridian',
  stateFlag: " --state '/home/me/my state'",
  tools: { curl: true, dig: true },
};

test('commands name the actual addresses, ports, hosts and state, quoted for a shell', () => {
  assert.deepEqual(commandsToTry(facts), [
    [
      'a request over HTTP',
      'curl --resolve www.exchange.test:8080:127.0.1.1 http://www.exchange.test:8080/v1/convert',
    ],
    [
      'a request over HTTPS',
      "curl --cacert '/home/me/my state/ca/ca.pem' --resolve www.exchange.test:8443:127.0.1.1 https://www.exchange.test:8443/v1/convert",
    ],
    [
      'a look-up from Europe',
      'dig @127.0.1.1 -p 5300 api.exchange.test A +short +subnet=81.2.69.0/24',
    ],
    [
      'a look-up from North America',
      'dig @127.0.1.1 -p 5300 api.exchange.test A +short +subnet=8.8.8.0/24',
    ],
    [
      'a look-up from Asia',
      'dig @127.0.1.1 -p 5300 api.exchange.test A +short +subnet=1.0.64.0/24',
    ],
    ['kill a region', "npx meridian region kill eu-west-1 --state '/home/me/my state'"],
    ['and start it', "npx meridian region start eu-west-1 --state '/home/me/my state'"],
    ['kill a service', "npx meridian service kill us-east-1 convert --state '/home/me/my state'"],
    ['and start it', "npx meridian service start us-east-1 convert --state '/home/me/my state'"],
    ['kill its store', "npx meridian store kill eu-west-1 --state '/home/me/my state'"],
    ['and start it', "npx meridian store start eu-west-1 --state '/home/me/my state'"],
    ['who sees what', "npx meridian status --state '/home/me/my state'"],
  ]);
});

test('without curl and dig the same is done with our own tools', () => {
  const commands = commandsToTry({ ...facts, stateFlag: '', tools: { curl: false, dig: false } });
  assert.deepEqual(
    commands.slice(0, 3).map(([, command]) => command),
    [
      'npx meridian request http://www.exchange.test:8080/v1/convert',
      'npx meridian request https://www.exchange.test:8443/v1/convert',
      'npx meridian lookup api.exchange.test --client 81.2.69.0/24',
    ],
  );
});

test('what is degraded is said below the table; without country data no continents', () => {
  const degraded = ['no country data: clients are taken to be where their name server is'];
  const text = announce({ ...facts, degraded });
  assert.match(text, /:9000\n\nno country data: [^\n]*\n\nTry, /);
  assert.deepEqual(
    commandsToTry({ ...facts, degraded }).flatMap(([what]) => (/look-up/.test(what) ? what : [])),
    ['a look-up'],
  );
});

test('a file that nodes refused is not said to be in force: who, why, what runs, and what to do', () => {
  const reason = 'cannot read nope.pem';
  const running = { sequence: 3, hash: 'ab'.repeat(32) };
  const nodes = ['us-east-1', 'eu-west-1', 'watch'];
  const text = announce({ ...facts, refused: [{ nodes, reason, running }] });
  assert.match(text, /^Meridian serves, but not what \/home\/me\/my file\.yaml says: 2 regions/);
  assert.ok(
    text.includes(
      [
        '\n\n/home/me/my file.yaml was refused by every node: cannot read nope.pem',
        '  in force there: revision 3 that was accepted last (abababababab)',
        "Mend it, then: npx meridian apply '/home/me/my file.yaml' --state '/home/me/my state'\n\n",
      ].join('\n'),
    ),
    text,
  );
  const first = { sequence: 0, hash: 'cd'.repeat(32) };
  const config = read({ store: { engine: 'memory' } });
  const one = { nodes: ['eu-west-1'], reason, running: first };
  const partly = announce({ ...facts, config, refused: [one] });
  assert.match(
    partly,
    /was refused by eu-west-1: cannot read nope\.pem\n {2}in force there: the file/,
  );
  assert.match(partly, /\nMend it and start again\n/);
  assert.doesNotMatch(announce(facts), /refused|Mend/);
});

test('a stack without services, routes, zones and store offers what it has', () => {
  const { regions } = document;
  const bare = parseConfig(
    JSON.stringify({ regions: { 'eu-west-1': regions['eu-west-1'] } }),
    'x',
  ).config;
  assert.deepEqual(
    commandsToTry({ ...facts, config: bare, stateFlag: '' }).map(([, command]) => command),
    [
      'npx meridian region kill eu-west-1',
      'npx meridian region start eu-west-1',
      'npx meridian status',
    ],
  );
  assert.equal(sampleRequest(bare), undefined);
  assert.equal(sampleName(bare), undefined);
});

test('the table names what each region listens on, and a witness its admin API only', () => {
  const text = announce(facts);
  assert.match(
    text,
    /^Meridian is ready: 2 regions and 1 witness in 4\.3 s, state in \/home\/me\/my state\n/,
  );
  assert.match(
    text,
    /eu-west-1 +http:\/\/127\.0\.2\.9:8080 +https:\/\/127\.0\.2\.9:8443 +127\.0\.2\.9:5300 +http:\/\/127\.0\.2\.9:9000\n/,
  );
  assert.match(text, /watch +- +- +- +http:\/\/127\.0\.3\.1:9000\n/);
});

test('where there are buckets the table names the data API, which a witness does not serve', () => {
  const data = { port: 9_107, buckets: { ledger: { consistency: 'sync' } } };
  const text = announce({ ...facts, config: read({ data }) });
  assert.match(text, / DNS +DATA API +ADMIN API\n/);
  assert.match(text, /:5300 +http:\/\/127\.0\.2\.9:9107 +http:\/\/127\.0\.2\.9:9000\n/);
  assert.match(text, /watch +- +- +- +- +http:\/\/127\.0\.3\.1:9000\n/);
  assert.doesNotMatch(announce(facts), /DATA API/);
});

test('several nodes have a line each, and commands of their own', () => {
  const { 'us-east-1': us, ...others } = document.regions;
  const nodes = { a: { address: '127.0.1.1' }, b: { address: '127.0.1.2' } };
  const regions = { 'us-east-1': { ...us, nodes }, watch: others.watch };
  const config = read({ regions });
  const text = announce({ ...facts, config });
  assert.match(text, /^Meridian is ready: 1 region and 1 witness \(3 nodes\) in /);
  assert.match(text, / REGION +NODE +HTTP /);
  assert.match(
    text,
    /^ *us-east-1 +a +http:\/\/127\.0\.1\.1:8080 .*:9000\n {13}b +http:\/\/127\.0\.1\.2:8080 /m,
  );
  assert.match(text, /^ *watch +- +- +- +- +http:\/\/127\.0\.3\.1:9000$/m);
  const commands = commandsToTry({ ...facts, config, stateFlag: '' });
  assert.deepEqual(
    commands.filter(([, command]) => /meridian (node|restart)/.test(command)),
    [
      ['kill a node', 'npx meridian node kill us-east-1 a'],
      ['and start it', 'npx meridian node start us-east-1 a'],
      ['restart node by node', 'npx meridian restart'],
    ],
  );
});

test('samples prefer what answers a plain GET and what depends on the client', () => {
  assert.deepEqual(sampleRequest(read({ routes: document.routes.slice(0, 3) })), {
    host: 'www.exchange.test',
    path: '/',
    service: 'rates',
  });
  assert.deepEqual(sampleName(read()), { name: 'api.exchange.test', steered: true });
});

test('words of a shell are quoted where they must be', () => {
  assert.equal(shellQuoted('/a/b-c_d.e:1'), '/a/b-c_d.e:1');
  assert.equal(shellQuoted("it's $HOME"), `'it'\\''s $HOME'`);
  assert.equal(shellQuoted(''), "''");
});

test('the state is named unless it is found without', () => {
  assert.equal(stateFlag('/here/.meridian', '/here'), '');
  assert.equal(stateFlag('/here/.meridian', '/here/below'), ' --state /here/.meridian');
});
