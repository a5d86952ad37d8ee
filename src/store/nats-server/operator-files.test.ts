import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { configSchema } from '../../config/schema/config.ts';
import { operatorFiles, operatorVoters } from './operator-files.ts';

const regions = {
  'us-east-1': {
    address: '203.0.113.10',
    bind: '10.0.1.5',
    location: { latitude: 38.9, longitude: -77.4 },
  },
  'eu-west-1': { address: '203.0.113.20', location: { latitude: 53.3, longitude: -6.3 } },
  'ap-southeast-1': { address: '203.0.113.30', location: { latitude: 1.35, longitude: 103.8 } },
  'sa-east-1': { address: '203.0.113.40', location: { latitude: -23.5, longitude: -46.6 } },
};
const servers = {
  'us-east-1': ['nats://203.0.113.10:4222'],
  'eu-west-1': ['nats://store.eu.example.net:4222', 'nats://10.0.2.6:4333'],
  'ap-southeast-1': ['nats://203.0.113.30:4222'],
  'sa-east-1': ['nats://203.0.113.40:4222'],
};
const config = (store: object) =>
  configSchema.parse({ regions, store: { engine: 'jetstream', tls: true, ...store } });
const secured = config({ servers });
const options = { identityDirectory: '/etc/meridian/identity', dataDirectory: '/var/lib/meridian' };

/** With UPDATE_GOLDEN set the files are written anew; the difference is for a person to read. */
function golden(name: string, text: string): void {
  const path = new URL(`./testdata/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, text);
  assert.equal(text, readFileSync(path, 'utf8'));
}

describe("files of an operator's servers", () => {
  it('are these, for a region with a voter', () => {
    const { files, certificate } = operatorFiles(secured, 'us-east-1', options);
    assert.deepEqual(
      files.map(({ name }) => name),
      ['hub.conf', 'leaf.conf'],
    );
    for (const { name, text } of files) golden(name, text);
    assert.deepEqual(certificate, {
      dnsNames: ['us-east-1.region.meridian.internal', 'hub.meridian.internal'],
      addresses: ['203.0.113.10'],
    });
  });

  it('are as many leaves as the region has servers, each a domain of its own', () => {
    const { files, certificate } = operatorFiles(secured, 'eu-west-1', {
      ...options,
      kind: 'leaf',
    });
    assert.deepEqual(
      files.map(({ name, text }) => [name, /^ {2}domain: (.*)$/m.exec(text)?.[1]]),
      [
        ['leaf.conf', '"eu-west-1"'],
        ['leaf-2.conf', '"eu-west-1_2"'],
      ],
    );
    assert.match(files[0]!.text, /^listen: "0\.0\.0\.0:4222"$/m);
    assert.match(files[1]!.text, /^listen: "10\.0\.2\.6:4333"$/m);
    assert.ok(certificate.dnsNames.includes('store.eu.example.net'));
  });

  it('give the room on disk that the buckets need', () => {
    const bucket = { consistency: 'async', maximumSize: 16 * 1024 ** 3 } as const;
    const big = { ...bucket, maximumValue: 1, conflicts: 1 };
    const config = { ...secured, data: { ...secured.data, buckets: { big } } };
    const { files } = operatorFiles(config, 'us-east-1', options);
    for (const { text } of files) assert.match(text, /^ {2}max_file_store: 23622320128$/m);
  });

  it('take hosts, ports and the address to listen on', () => {
    const changed = {
      ...options,
      hosts: { 'ap-southeast-1': 'ap.example.net' },
      listen: '10.9.9.9',
      ports: { hub: 5223, leafnodes: 8422 },
    };
    const { files } = operatorFiles(secured, 'us-east-1', changed);
    assert.match(files[0]!.text, /^listen: "10\.9\.9\.9:5223"$/m);
    assert.match(files[0]!.text, /nats-route:\/\/ap\.example\.net:6222/);
    assert.match(files[1]!.text, /nats-leaf:\/\/ap\.example\.net:8422/);
    assert.deepEqual(operatorVoters(secured, changed)[2], {
      url: 'nats://ap.example.net:5223',
      serverName: 'ap-southeast-1.region.meridian.internal',
    });
  });

  it('are refused where they could not work, by a sentence that says why', () => {
    const cases: [Parameters<typeof operatorFiles>, code: string][] = [
      [[secured, 'mars', options], 'unknown_region'],
      [[secured, 'sa-east-1', { ...options, kind: 'voter' }], 'no_voter_here'],
      [[config({ servers, tls: false }), 'us-east-1', options], 'store_tls_off'],
      [[configSchema.parse({ regions }), 'us-east-1', options], 'store_not_configured'],
      [[config({ servers: { 'us-east-1': ['x'] } }), 'us-east-1', options], 'store_not_configured'],
    ];
    for (const [args, code] of cases) assert.throws(() => operatorFiles(...args), { code });
  });
});
