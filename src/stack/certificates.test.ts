import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { parseConfig } from '../config/load.ts';
import type { Config } from '../config/schema/config.ts';
import { httpsSubject, issueCertificates } from './certificates.ts';
import { layoutOf, type StackLayout } from './state/layout.ts';
import { fakeConfig, makeFolder } from './testdata/fake-stack.ts';

const dayMs = 86_400_000;
const read = (changes: object = {}): Config =>
  parseConfig(JSON.stringify({ ...fakeConfig, ...changes }), 'test.yaml').config;
const config = read({ zones: { 'exchange.test': {} } });

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
  await issueCertificates(config, layout);
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

test('a second start keeps all of it; other hosts issue the server certificates anew only', async () => {
  await issueCertificates(config, layout);
  const before = prints();
  await issueCertificates(config, layout);
  assert.deepEqual(prints(), before);
  await issueCertificates(read({ zones: { 'other.test': {} } }), layout);
  const [authority, identity, eu, us] = prints();
  assert.deepEqual([authority, identity], before.slice(0, 2));
  assert.notEqual(eu, before[2]);
  assert.notEqual(us, before[3]);
});

test('another address issues what names it anew', async () => {
  await issueCertificates(config, layout);
  const before = prints();
  const { eu, us } = fakeConfig.regions;
  const regions = { eu: { ...eu, address: '127.0.9.1' }, us };
  await issueCertificates(read({ regions, zones: { 'exchange.test': {} } }), layout);
  const after = prints();
  assert.deepEqual(
    after.map((print, index) => print === before[index]),
    [true, false, false, true],
  );
});

test('what is near its end is issued anew, the CA with all that it signed', async () => {
  const madeMs = Date.now() - 800 * dayMs; // Certificates live for 820 days, the CA for 3,650.
  await issueCertificates(config, layout, new Date(madeMs));
  const before = prints();
  await issueCertificates(config, layout, new Date(madeMs + 780 * dayMs));
  assert.deepEqual(prints(), before);
  await issueCertificates(config, layout);
  assert.deepEqual(
    prints().map((print, index) => print === before[index]),
    [true, false, false, false],
  );
  await issueCertificates(config, layout, new Date(madeMs + 3_640 * dayMs));
  assert.notEqual(prints()[0], before[0]);
  const authority = certificate('ca/ca.pem');
  assert.ok(certificate('regions/eu/tls/cert.pem').verify(authority.publicKey));
  assert.equal(
    readFileSync(join(layout.region('eu').identity, 'ca.pem'), 'utf8'),
    readFileSync(join(layout.authority, 'ca.pem'), 'utf8'),
  );
});

test('a damaged file, or a key of another certificate, is replaced', async () => {
  await issueCertificates(config, layout);
  const { tls } = layout.region('eu');
  const other = readFileSync(join(layout.region('us').tls, 'key.pem'), 'utf8');
  for (const [file, text] of [
    ['cert.pem', ''],
    ['key.pem', 'x'],
    ['key.pem', other],
  ] as const) {
    writeFileSync(join(tls, file), text);
    await issueCertificates(config, layout);
    const key = createPrivateKey(readFileSync(join(tls, 'key.pem')));
    assert.ok(certificate('regions/eu/tls/cert.pem').checkPrivateKey(key));
  }
});

test('an identity whose copy of the CA is damaged is replaced', async () => {
  await issueCertificates(config, layout);
  const copy = join(layout.region('eu').identity, 'ca.pem');
  writeFileSync(copy, readFileSync(join(layout.region('eu').tls, 'cert.pem')));
  await issueCertificates(config, layout);
  assert.equal(readFileSync(copy, 'utf8'), readFileSync(join(layout.authority, 'ca.pem'), 'utf8'));
});

test('a CA whose key is of another one is made anew, with all that it signed', async () => {
  await issueCertificates(config, layout);
  const before = prints();
  const other = readFileSync(join(layout.region('us').tls, 'key.pem'), 'utf8');
  writeFileSync(join(layout.authority, 'ca-key.pem'), other);
  await issueCertificates(config, layout);
  assert.ok(prints().every((print, index) => print !== before[index]));
});

test('what the configuration brings itself is left to it', async () => {
  const own = { tls: { certificate: '/own/cert.pem', key: '/own/key.pem' } };
  await issueCertificates(read({ ...own, zones: { 'exchange.test': {} } }), layout);
  assert.throws(() => certificate('regions/eu/tls/cert.pem'), { code: 'ENOENT' });
  assert.ok(certificate('regions/eu/identity/cert.pem'));
});

test('no server certificate is asked for in the domain of region identities', async () => {
  const hosts = ['eu.region.meridian.internal', 'fine.test'];
  const routes = [{ ...fakeConfig.routes[0], hosts }];
  const { dnsNames } = httpsSubject(read({ routes }), ['127.0.2.1']);
  assert.deepEqual(dnsNames, ['fine.test', 'localhost']);
});
