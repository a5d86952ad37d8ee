import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  hubConfigText,
  leafConfigText,
  quote,
  type ServerConfigOptions,
  serverEnvironment,
} from './config-text.ts';
import { findNatsServer } from './find.ts';
import { hubVoters, nearestFirst, replicasFor, type StoreSite } from './sites.ts';

const ports = { leaf: 4222, hub: 4223, cluster: 6222, leafnodes: 7422 };
const site = (region: string, index: number, latitude: number, longitude: number): StoreSite => ({
  region,
  address: `127.0.${index}.1`,
  location: { latitude, longitude },
  ports,
});
const virginia = site('us-east-1', 1, 38.9, -77.4);
const ireland = site('eu-west-1', 2, 53.3, -6.3);
const singapore = site('ap-southeast-1', 3, 1.35, 103.8);
const sites = [virginia, ireland, singapore];

const tls = {
  ca: '/etc/ca.pem',
  cert: '/etc/cert.pem',
  key: '/etc/key.pem',
  regions: ['us-east-1', 'eu-west-1', 'ap-southeast-1', 'sa-east-1'],
};

const options = (changes: Partial<ServerConfigOptions> = {}): ServerConfigOptions => ({
  site: ireland,
  voters: sites,
  storeDirectory: '/var/lib/meridian',
  tls,
  ...changes,
});

describe('hub configuration', () => {
  it('syncs every write, tags the region, and routes to the other voters only', () => {
    const text = hubConfigText(options());
    assert.match(text, /sync_interval: always/);
    assert.match(text, /unique_tag: "region:"/);
    assert.match(text, /server_tags: \["region:eu-west-1"\]/);
    assert.match(text, /domain: "global"/);
    assert.match(text, /nats-route:\/\/127\.0\.1\.1:6222", "nats-route:\/\/127\.0\.3\.1:6222"/);
    assert.doesNotMatch(text, /nats-route:\/\/127\.0\.2\.1/);
  });

  it('has no cluster when there is one voter', () => {
    assert.doesNotMatch(hubConfigText(options({ voters: [ireland] })), /cluster/);
  });
});

describe('leaf configuration', () => {
  it('tries voters nearest first, in that order, in its own domain', () => {
    const text = leafConfigText(options());
    const order = [...text.matchAll(/nats-leaf:\/\/([\d.]+):7422/g)].map(([, address]) => address);
    assert.deepEqual(order, ['127.0.2.1', '127.0.1.1', '127.0.3.1']);
    assert.match(text, /no_randomize: true/);
    assert.match(text, /domain: "eu-west-1"/);
    assert.match(text, /sync_interval: always/);
  });

  it('refuses a region with the name of the hub', () => {
    const named = { ...ireland, region: 'global' };
    assert.throws(() => leafConfigText(options({ site: named })), { code: 'reserved_region_name' });
  });
});

describe('sites', () => {
  it('orders by great-circle distance, across the date line too, ties by name', () => {
    const fiji = site('fj', 4, -18, 178);
    const samoa = site('ws', 5, -14, -172);
    assert.deepEqual(nearestFirst(fiji, [virginia, samoa, singapore]), [
      samoa,
      singapore,
      virginia,
    ]);
    const twin = { ...ireland, region: 'aa' };
    assert.deepEqual(nearestFirst(ireland, [ireland, twin]), [twin, ireland]);
  });

  it('has 1, 3 or 5 voters', () => {
    const counts = [1, 2, 3, 4, 5, 9].map((n) => hubVoters(Array(n).fill(ireland)).length);
    assert.deepEqual(counts, [1, 1, 3, 3, 5, 5]);
    assert.deepEqual([replicasFor(2), replicasFor(3), replicasFor(7)], [1, 3, 5]);
  });

  it('has none at an edge, wherever it stands in the list', () => {
    const edge = { ...ireland, region: 'edge', edge: true };
    assert.deepEqual(hubVoters([edge, ireland, edge, ireland]), [ireland]);
    const three = [ireland, { ...ireland, region: 'b' }, { ...ireland, region: 'c' }];
    assert.deepEqual(hubVoters([edge, ...three]), three);
  });
});

describe('protection', () => {
  it('by certificates: the hub takes leaves of all regions, a leaf the nodes of its own', () => {
    const hub = hubConfigText(options());
    const leaf = leafConfigText(options());
    for (const region of tls.regions) {
      assert.ok(hub.includes(`user: "${region}.region.meridian.internal"`));
      assert.equal(
        leaf.includes(`user: "${region}.region.meridian.internal"`),
        region === ireland.region,
      );
    }
    // Clients, routes and leaves of the hub; clients of the leaf.
    assert.equal(hub.match(/verify_and_map: true/g)?.length, 3);
    assert.equal(leaf.match(/verify_and_map: true/g)?.length, 1);
    assert.match(hub, /authorization \{ user: "hub\.meridian\.internal" \}/);
  });

  it('by a secret and certificates: both are asked for', () => {
    const text = hubConfigText(options({ secret: 'abcdefghijklmnop' }));
    assert.match(text, /password: "abcdefghijklmnop"/);
    assert.equal(text.match(/verify: true/g)?.length, 3);
    assert.doesNotMatch(text, /verify_and_map|operator\.meridian/);
  });

  it('is not left out', () => {
    for (const text of [hubConfigText, leafConfigText]) {
      assert.throws(() => text(options({ tls: undefined })), { code: 'store_unprotected' });
    }
  });
});

describe('safety of values', () => {
  it('refuses a secret that could end a string or a URL, without repeating it', () => {
    for (const secret of ['short', 'has "quotes" in its text', 'has@at@and:colon:inside']) {
      assert.throws(
        () => hubConfigText(options({ secret })),
        (error: Error) => !error.message.includes(secret),
      );
    }
  });

  it('gives texts that nats-server itself accepts, with any folder', { skip: noServer() }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'meridian-conf-'));
    try {
      for (const name of ['plain', 'with "quotes" and \\', 'a } { $PATH # x', 'é\n\t\u0001']) {
        const storeDirectory = join(folder, name);
        for (const text of [hubConfigText, leafConfigText]) {
          const protection = { secret: 'abcdefghijklmnop', tls: undefined };
          const file = text(options({ storeDirectory, ...protection }));
          assert.equal(testConfig(folder, file), '');
        }
      }
      assert.match(testConfig(folder, 'jetstream { store_dir: "unfinished'), /./);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('keeps the secret out of the file, and gives the server what the file refers to', () => {
    const secretVariable = 'STORE_SECRET';
    const secret = '12345678901234567k';
    for (const [kind, text] of [
      ['hub', hubConfigText],
      ['leaf', leafConfigText],
    ] as const) {
      const file = text(options({ secret, secretVariable, tls: undefined }));
      assert.ok(!file.includes(secret));
      const environment = serverEnvironment(kind, { ...options(), secret, secretVariable });
      const referred = [...file.matchAll(/: \$(\w+)/g)].map(([, name]) => name);
      assert.deepEqual([...new Set(referred)].sort(), Object.keys(environment).sort());
      assert.equal(environment.STORE_SECRET, `"${secret}"`);
    }
    assert.throws(() => hubConfigText(options({ secretVariable: 'A B' })), {
      code: 'invalid_store_secret',
    });
  });

  it('quotes everything that could end a string', () => {
    assert.equal(quote('a"b\\c\n\u0000é $X'), '"a\\"b\\\\c\\x0A\\x00é $X"');
  });
});

function noServer(): string | false {
  try {
    findNatsServer();
    return false;
  } catch (error) {
    if (process.env.CI) throw error;
    return (error as Error).message;
  }
}

/** What `nats-server -t` has against a configuration; empty: nothing. */
function testConfig(folder: string, text: string): string {
  const path = join(folder, 'server.conf');
  writeFileSync(path, text);
  try {
    execFileSync(findNatsServer(), ['-t', '-c', path], { stdio: 'pipe', timeout: 60_000 });
    return '';
  } catch (error) {
    return String((error as { stderr: Buffer }).stderr) || 'refused';
  }
}
