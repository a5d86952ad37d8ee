import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ConfigError } from './config-error.ts';
import { loadConfig, parseConfig } from './load.ts';
import { maximumFileBytes } from './text-source.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-config-'));
after(() => rmSync(folder, { recursive: true }));

const region = 'regions: { a: { address: 127.0.1.1, location: { latitude: 1, longitude: 2 } } }\n';

function write(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** What one error of `loadConfig` says, without the folder. */
async function refusal(path: string): Promise<{ code: string; text: string }> {
  const error = await loadConfig(path).then(
    () => assert.fail('it was accepted'),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof ConfigError, String(error));
  assert.ok(error.issues.length > 0);
  return { code: error.code, text: error.message.replaceAll(`${folder}/`, '') };
}

test('a configuration comes with its defaults, as written, frozen and named by its content', async () => {
  const path = write('a.yaml', `${region}geo: { database: 'geo/{region}.mmdb' }\n`);
  const loaded = await loadConfig(path);
  assert.equal(loaded.path, path);
  assert.equal(loaded.config.ports.http, 8080);
  assert.equal(loaded.config.health.interval, 1_000);
  assert.deepEqual(loaded.input, {
    regions: { a: { address: '127.0.1.1', location: { latitude: 1, longitude: 2 } } },
    geo: { database: join(folder, 'geo/{region}.mmdb') },
  });
  assert.equal(loaded.config.geo.database, join(folder, 'geo/{region}.mmdb'));
  assert.throws(() => Object.assign(loaded.config.regions.a!.location, { latitude: 5 }), TypeError);
  assert.match(loaded.revision, /^[0-9a-f]{64}$/);
});

test('names of files start from the folder of the configuration, but absolute ones stay', () => {
  const { config } = parseConfig(
    `${region}tls: { certificate: 'tls/{region}.pem', key: /etc/key.pem }
identity: { authority: ca.pem, certificate: ../c.pem, key: k.pem }\n`,
    '/etc/meridian/meridian.yaml',
  );
  const { certificate, key } = config.tls ?? {};
  assert.deepEqual(
    { certificate, key },
    {
      certificate: '/etc/meridian/tls/{region}.pem',
      key: '/etc/key.pem',
    },
  );
  assert.deepEqual(config.identity, {
    authority: '/etc/meridian/ca.pem',
    certificate: '/etc/c.pem',
    key: '/etc/meridian/k.pem',
  });
});

test('a secret of the store is no file; a name that only looks like one elsewhere is', () => {
  const { config, input } = parseConfig(
    `${region}tls: { certificate: 'secret:tls.{region}', key: 'secret:tls.key' }
identity: { authority: 'secret:ca', certificate: 'secrets/c.pem', key: 'secret:{region}.key' }
geo: { database: 'secret:geo' }\n`,
    '/etc/meridian/meridian.yaml',
  );
  const { tls, identity, geo } = config;
  assert.deepEqual([tls?.certificate, tls?.key], ['secret:tls.{region}', 'secret:tls.key']);
  assert.deepEqual(identity, {
    authority: 'secret:ca',
    certificate: '/etc/meridian/secrets/c.pem',
    key: 'secret:{region}.key',
  });
  assert.equal(geo.database, '/etc/meridian/secret:geo');
  assert.deepEqual((input as typeof config).tls, { certificate: tls?.certificate, key: tls?.key });
});

test('the revision follows the content, not the spelling or the place', () => {
  const revision = (text: string, file = '/x/meridian.yaml') => parseConfig(text, file).revision;
  const one = revision(`${region}geo: { database: g.mmdb }\n`);
  assert.equal(one, revision(`geo: {database: "g.mmdb"}\n# text\n${region}`, '/other/m.yaml'));
  assert.equal(one, revision(`${region}geo: { database: g.mmdb }\nports: { http: 8080 }\n`));
  assert.notEqual(one, revision(`${region}geo: { database: h.mmdb }\n`));
  assert.notEqual(one, revision(`${region}geo: { database: g.mmdb }\nports: { http: 8081 }\n`));
  const { config } = parseConfig(region, '/x/meridian.yaml');
  const json = JSON.stringify(config);
  assert.equal(revision(region), createHash('sha256').update(json).digest('hex'));
});

test('what was written can be loaded again and is the same revision', () => {
  const first = parseConfig(
    `${region}services: { s: { endpoints: { a: ['b:1'] } } }\n`,
    '/x/m.yaml',
  );
  const again = parseConfig(JSON.stringify(first.input), '/y/config.json');
  assert.deepEqual(again.config, first.config);
  assert.equal(again.revision, first.revision);
});

test('a byte order mark and CRLF are of no account', async () => {
  const { revision } = parseConfig(region, 'm.yaml');
  const marked = write('bom.yaml', Buffer.from(`\ufeff${region.replaceAll('\n', '\r\n')}`));
  assert.equal((await loadConfig(marked)).revision, revision);
});

test('bytes that are not UTF-8 are told by line', async () => {
  const latin1 = write('latin1.yaml', Buffer.from(`${region}# caf\u00e9\n`, 'latin1'));
  assert.deepEqual(await refusal(latin1), {
    code: 'config_invalid',
    text: 'latin1.yaml:2:1: expected UTF-8, got other bytes',
  });
  const utf16 = write('utf16.yaml', Buffer.from(`\ufeff${region}`, 'utf16le'));
  assert.match((await refusal(utf16)).text, /^utf16\.yaml:1:1: expected UTF-8, got UTF-16$/);
});

test('a file that is not there, not a file, too large or not permitted is told so', async () => {
  const missing = await refusal(join(folder, 'none.yaml'));
  assert.deepEqual(missing, {
    code: 'config_unreadable',
    text: 'none.yaml: there is no such file',
  });
  assert.equal((await refusal(join(folder, 'none.ts'))).code, 'config_unreadable');
  mkdirSync(join(folder, 'folder.yaml'));
  assert.match((await refusal(join(folder, 'folder.yaml'))).text, /expected a file/);
  const large = write('large.yaml', Buffer.alloc(maximumFileBytes + 1, '#'));
  assert.match((await refusal(large)).text, /16777217 bytes, and 16777216 is the limit/);
  const secret = write('secret.yaml', region);
  chmodSync(secret, 0o000);
  if (process.getuid?.() !== 0) {
    assert.match((await refusal(secret)).text, /reading it is not permitted/);
  }
});

test('a program is typed by the package that runs, wherever it is installed', async () => {
  const path = write(
    'meridian.config.ts',
    `import { defineConfig } from 'meridian-gateway';
     const location = { latitude: 1, longitude: 2 } as const;
     export default defineConfig({ regions: { a: { address: '127.0.1.1', location } } });`,
  );
  const { config, revision } = await loadConfig(path);
  assert.equal(config.regions.a?.address, '127.0.1.1');
  assert.equal(revision, parseConfig(region, 'm.yaml').revision);
});

test('TypeScript is a module in a CommonJS package too, with what it imports', async () => {
  mkdirSync(join(folder, 'commonjs'));
  write('commonjs/package.json', '{ "type": "commonjs" }');
  write('commonjs/place.ts', 'export const location = { latitude: 1, longitude: 2 };');
  const path = write(
    'commonjs/meridian.config.ts',
    `import { defineConfig } from 'meridian-gateway';
     import { location } from './place.ts';
     export default defineConfig({ regions: { a: { address: '127.0.1.1', location } } });`,
  );
  assert.equal((await loadConfig(path)).revision, parseConfig(region, 'm.yaml').revision);
});

test('a program that changed is read again', async () => {
  const program = (port: number) =>
    `export default { ports: { http: ${port} }, regions: { a: { address: '127.0.1.1', location: { latitude: 1, longitude: 2 } } } };`;
  const path = write('changing.mjs', program(8080));
  assert.equal((await loadConfig(path)).config.ports.http, 8080);
  write('changing.mjs', program(18080));
  assert.equal((await loadConfig(path)).config.ports.http, 18080);
});

test('a program that fails, exports nothing or no plain data is told so', async () => {
  const text = async (name: string, program: string) => (await refusal(write(name, program))).text;
  assert.match(await text('fails.ts', "throw new Error('no luck');"), /the program fails: no luck/);
  assert.match(await text('syntax.ts', 'export default {'), /^syntax\.ts: the program fails: /);
  assert.match(
    await text('import.ts', "import './nowhere.ts';"),
    /the program fails: ERR_MODULE_NOT_FOUND/,
  );
  assert.match(await text('nothing.ts', 'export const a = 1;'), /expected `export default/);
  assert.equal(
    await text(
      'wild.mjs',
      `const loop = {}; loop.self = loop;
       export default { regions: new Map(), services: () => 1, routes: [loop, , 1n], zones: undefined };`,
    ),
    [
      'wild.mjs: regions: expected plain data, got a Map',
      'wild.mjs: services: expected plain data, got a function',
      'wild.mjs: routes[0].self: contains itself',
      'wild.mjs: routes[1]: missing',
      'wild.mjs: routes[2]: expected plain data, got a bigint',
    ].join('\n'),
  );
  assert.equal(
    await text(
      'typo.mjs',
      "export default { regoins: {}, 'zones': { 'a.test': { records: [1] } } };",
    ),
    [
      'typo.mjs: zones["a.test"].records[0]: expected a map of fields, got 1',
      'typo.mjs: regoins: unknown field; did you mean "regions"?',
    ].join('\n'),
  );
});

test('issues are data for programs too', () => {
  assert.throws(
    () => parseConfig(`${region}threads: { gatewy: 2 }\n`, 'm.yaml'),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.deepEqual(error.issues, [
        {
          file: 'm.yaml',
          line: 2,
          column: 12,
          path: 'threads.gatewy',
          message: 'unknown field',
          suggestion: 'gateway',
        },
      ]);
      assert.deepEqual(error.details.issues, error.issues);
      return true;
    },
  );
});
