import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema/config.ts';
import { KeyRing } from '../secrets/key-ring.ts';
import { isSealed } from '../secrets/sealed-text.ts';
import { httpsSubject, issueCertificates } from './certificates.ts';
import { layoutOf, type StackLayout } from './state/layout.ts';
import { readSealed } from './state/sealed-file.ts';
import { fakeConfig, makeFolder } from './testdata/fake-stack.ts';

const dayMs = 86_400_000;
const read = (changes: object = {}): Config =>
  parseConfig(JSON.stringify({ ...fakeConfig, ...changes }), 'test.yaml').config;
const config = read({ zones: { 'exchange.test': {} } });
const ring = KeyRing.parse(KeyRing.generate(), 'test');

let layout: StackLayout;
beforeEach(() => {
  layout = layoutOf(makeFolder());
});
afterEach(() => rmSync(layout.directory, { recursive: true }));

const certificate = (...path: string[]) =>
  new X509Certificate(readFileSync(join(layout.directory, ...path), 'utf8'));
const prints = () =>
  ['ca/ca', 'regions/eu/identity/cert', 'regions/eu/tls/cert', 'regions/us/tls/cert'].map(
    (name) => certificate(`${name}.pem`).fingerprint256,
  );

test('each region gets an identity and a server certificate of one CA, with keys for the owner only', async () => {
  await issueCertificates(config, layout, ring);
  const authority = certificate('ca/ca.pem');
  for (const [region, address] of [
    ['eu', '127.0.2.1'],
    ['us', '127.0.1.1'],
  ] as const) {
    const identity = certificate('regions', region, 'identity/cert.pem');
    const server = certificate('regions', region, 'tls/cert.pem');
    assert.equal(identity.verify(authority.publicKey) && server.verify(authority.publicKey), true);
    assert.equal(identity.checkHost(`${region}.region.meridian.internal`) !== undefined, true);
    for (const host of ['rates.test', 'exchange.test', 'any.exchange.test', 'localhost']) {
      assert.ok(server.checkHost(host), host);
    }
    assert.ok(server.checkIP(address));
    assert.equal(server.checkHost('elsewhere.test'), undefined);
    for (const folder of ['identity', 'tls']) {
      const key = join(layout.region(region).directory, folder, 'key.pem');
      assert.equal(statSync(key).mode & 0o777, 0o600);
    }
  }
});

test('each node of a region gets its own, of the same region, for its own addresses', async () => {
  const { eu, us } = fakeConfig.regions;
  const nodes = { a: { address: '127.0.2.1' }, b: { address: '127.0.2.2', bind: '127.0.2.3' } };
  await issueCertificates(read({ regions: { eu: { ...eu, nodes }, us } }), layout, ring);
  const identity = (node: string) => certificate('regions/eu/nodes', node, 'identity/cert.pem');
  assert.notEqual(identity('a').fingerprint256, identity('b').fingerprint256);
  for (const node of ['a', 'b']) assert.ok(identity(node).checkHost('eu.region.meridian.internal'));
  const addresses = (of: X509Certificate) =>
    ['127.0.2.1', '127.0.2.2', '127.0.2.3'].filter((address) => of.checkIP(address));
  assert.deepEqual(addresses(identity('a')), ['127.0.2.1']);
  assert.deepEqual(addresses(identity('b')), ['127.0.2.2', '127.0.2.3']);
  // For clients that come by the address of the region too.
  const server = certificate('regions/eu/nodes/b/tls/cert.pem');
  assert.deepEqual(addresses(server), ['127.0.2.1', '127.0.2.2', '127.0.2.3']);
  assert.ok(certificate('regions/us/tls/cert.pem'));
});

const keyFiles = () => [
  join(layout.authority, 'ca-key.pem'),
  ...['eu', 'us'].flatMap((region) => {
    const { identity, tls } = layout.region(region).node(undefined);
    return [join(identity, 'key.pem'), join(tls, 'key.pem')];
  }),
];

test('private keys are on disk sealed only; those of an older version are kept and sealed', async () => {
  await issueCertificates(config, layout, ring);
  const before = prints();
  for (const file of keyFiles()) {
    const text = readFileSync(file, 'utf8');
    assert.ok(isSealed(text), file);
    assert.doesNotMatch(text, /PRIVATE KEY/);
    writeFileSync(file, readSealed(file, ring)!);
    assert.match(readFileSync(file, 'utf8'), /PRIVATE KEY/);
  }
  await issueCertificates(config, layout, ring);
  assert.deepEqual(prints(), before);
  for (const file of keyFiles()) assert.ok(isSealed(readFileSync(file, 'utf8')), file);
});

test('a newer outer key seals everything anew; one that opens nothing is refused', async () => {
  const oldText = KeyRing.generate();
  await issueCertificates(config, layout, KeyRing.parse(oldText, 'old'));
  const before = prints();
  const newText = KeyRing.generate();
  await issueCertificates(config, layout, KeyRing.parse(newText + oldText, 'both'));
  const newRing = KeyRing.parse(newText, 'new');
  for (const file of keyFiles()) assert.match(readSealed(file, newRing)!, /PRIVATE KEY/);
  await issueCertificates(config, layout, newRing);
  assert.deepEqual(prints(), before);
  await assert.rejects(issueCertificates(config, layout, ring), {
    code: 'secret_key_wrong',
    message: /ca-key\.pem: .*sealed with the outer key/,
  });
  assert.deepEqual(prints(), before);
});

test('a second start keeps all of it; other hosts issue the server certificates anew only', async () => {
  await issueCertificates(config, layout, ring);
  const before = prints();
  await issueCertificates(config, layout, ring);
  assert.deepEqual(prints(), before);
  await issueCertificates(read({ zones: { 'other.test': {} } }), layout, ring);
  const [authority, identity, eu, us] = prints();
  assert.deepEqual([authority, identity], before.slice(0, 2));
  assert.notEqual(eu, before[2]);
  assert.notEqual(us, before[3]);
});

test('another address issues what names it anew', async () => {
  await issueCertificates(config, layout, ring);
  const before = prints();
  const { eu, us } = fakeConfig.regions;
  const regions = { eu: { ...eu, address: '127.0.9.1' }, us };
  await issueCertificates(read({ regions, zones: { 'exchange.test': {} } }), layout, ring);
  const after = prints();
  assert.deepEqual(
    after.map((print, index) => print === before[index]),
    [true, false, false, true],
  );
});

test('what is near its end is issued anew, the CA with all that it signed', async () => {
  const madeMs = Date.now() - 800 * dayMs; // Certificates live for 820 days, the CA for 3,650.
  await issueCertificates(config, layout, ring, new Date(madeMs));
  const before = prints();
  await issueCertificates(config, layout, ring, new Date(madeMs + 780 * dayMs));
  assert.deepEqual(prints(), before);
  await issueCertificates(config, layout, ring);
  assert.deepEqual(
    prints().map((print, index) => print === before[index]),
    [true, false, false, false],
  );
  await issueCertificates(config, layout, ring, new Date(madeMs + 3_640 * dayMs));
  assert.notEqual(prints()[0], before[0]);
  const authority = certificate('ca/ca.pem');
  assert.ok(certificate('regions/eu/tls/cert.pem').verify(authority.publicKey));
  assert.equal(
    readFileSync(join(layout.region('eu').node(undefined).identity, 'ca.pem'), 'utf8'),
    readFileSync(join(layout.authority, 'ca.pem'), 'utf8'),
  );
});

test('a damaged file, or a key of another certificate, is replaced', async () => {
  await issueCertificates(config, layout, ring);
  const { tls } = layout.region('eu').node(undefined);
  const other = readFileSync(join(layout.region('us').node(undefined).tls, 'key.pem'), 'utf8');
  for (const [file, text] of [
    ['cert.pem', ''],
    ['key.pem', 'x'],
    ['key.pem', 'meridian-sealed 1\n{}\n'],
    ['key.pem', other],
  ] as const) {
    writeFileSync(join(tls, file), text);
    await issueCertificates(config, layout, ring);
    const key = createPrivateKey(readSealed(join(tls, 'key.pem'), ring)!);
    assert.ok(certificate('regions/eu/tls/cert.pem').checkPrivateKey(key));
  }
});

test('an identity whose copy of the CA is damaged is replaced', async () => {
  await issueCertificates(config, layout, ring);
  const copy = join(layout.region('eu').node(undefined).identity, 'ca.pem');
  writeFileSync(copy, readFileSync(join(layout.region('eu').node(undefined).tls, 'cert.pem')));
  await issueCertificates(config, layout, ring);
  assert.equal(readFileSync(copy, 'utf8'), readFileSync(join(layout.authority, 'ca.pem'), 'utf8'));
});

test('a CA whose key is of another one is made anew, with all that it signed', async () => {
  await issueCertificates(config, layout, ring);
  const before = prints();
  const other = readFileSync(join(layout.region('us').node(undefined).tls, 'key.pem'), 'utf8');
  writeFileSync(join(layout.authority, 'ca-key.pem'), other);
  await issueCertificates(config, layout, ring);
  assert.ok(prints().every((print, index) => print !== before[index]));
});

test('what the configuration brings itself is left to it', async () => {
  const own = { tls: { certificate: '/own/cert.pem', key: '/own/key.pem' } };
  await issueCertificates(read({ ...own, zones: { 'exchange.test': {} } }), layout, ring);
  assert.throws(() => certificate('regions/eu/tls/cert.pem'), { code: 'ENOENT' });
  assert.ok(certificate('regions/eu/identity/cert.pem'));
});

test('no server certificate is asked for in the domain of region identities', async () => {
  const hosts = ['eu.region.meridian.internal', 'fine.test'];
  const routes = [{ ...fakeConfig.routes[0], hosts }];
  const { dnsNames } = httpsSubject(read({ routes }), ['127.0.2.1']);
  assert.deepEqual(dnsNames, ['fine.test', 'localhost']);
});
