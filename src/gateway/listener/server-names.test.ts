import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import {
  get,
  handshakeFailure,
  host,
  isResumed,
  sessionOf,
  shownNames,
  tlsWorld,
} from '../../../test/support/tls-world.ts';
import { createAuthority } from '../../link/authority.ts';

const authority = await createAuthority();
const [first, wildcard, shop, rsa] = await Promise.all([
  certifyHosts(authority, ['a.test', host]),
  certifyHosts(authority, ['*.b.test']),
  certifyHosts(authority, ['shop.b.test', 'c.test']),
  certifyHosts(authority, ['*.b.test'], { rsa: true }),
]);
const certificates = [first, wildcard, shop];

test('the certificate is chosen by name, the most specific first, else the default', async () => {
  await using w = await tlsWorld(authority, { certificates });
  for (const [name, names] of [
    ['a.test', /DNS:a\.test/],
    ['x.b.test', /^DNS:\*\.b\.test$/],
    ['X.B.Test', /^DNS:\*\.b\.test$/],
    ['shop.b.test', /DNS:shop\.b\.test/],
    ['c.test', /DNS:c\.test/],
    ['y.x.b.test', /DNS:a\.test/],
    ['b.test', /DNS:a\.test/],
    ['nobody.test', /DNS:a\.test/],
    ['', /DNS:a\.test/],
  ] as const) {
    using client = await w.client(name);
    assert.match(shownNames(client), names, name);
  }
});

test('a host of another certificate than the one that was shown is misdirected', async () => {
  await using w = await tlsWorld(authority, { certificates });
  for (const [name, served, misdirected] of [
    ['a.test', ['a.test', 'A.test:8443', host], ['x.b.test', 'c.test', 'nobody.test', '127.0.0.2']],
    ['x.b.test', ['x.b.test', 'y.b.test'], ['shop.b.test.evil', 'a.test', 'c.test', 'b.test']],
    ['shop.b.test', ['shop.b.test', 'c.test'], ['x.b.test', 'a.test']],
    ['nobody.test', ['a.test'], ['nobody.test', 'c.test']],
    ['', ['a.test', host], ['c.test', 'x.b.test']],
  ] as const) {
    using client = await w.client(name);
    for (const authorityField of [...served, ...misdirected, ...served]) {
      const { status, body } = await get(client, authorityField);
      const expected = (served as readonly string[]).includes(authorityField) ? 200 : 421;
      assert.equal(status, expected, `${name}: ${authorityField}`);
      if (expected === 421) assert.equal(JSON.parse(body).code, 'misdirected_request');
    }
    const absolute = 'GET https://c.test/ HTTP/1.1\r\nHost: c.test\r\n\r\n';
    const own = (served as readonly string[]).includes('c.test');
    assert.equal((await client.request(absolute)).status, own ? 200 : 421, name);
    client.send('GET / HTTP/1.0\r\n\r\n');
    assert.equal((await client.response()).status, 421, 'no host at all');
  }
  assert.ok(w.origin.requests.every(({ head }) => !/^Host: nobody/m.test(head)));
});

test('one certificate, and no client certificates: any host is served', async () => {
  await using w = await tlsWorld(authority, { certificates: [first] });
  using client = await w.client('a.test');
  assert.equal((await get(client, 'x.b.test')).status, 200);
});

for (const [version, protocol] of [
  ['TLSv1.2', 'TLSv1.2'],
  ['TLSv1.3', 'TLSv1.3'],
] as const) {
  test(`${version}: a session that is resumed is bound to the name that it is resumed with`, async () => {
    await using w = await tlsWorld(authority, { certificates });
    using made = await w.client('shop.b.test', { maxVersion: version });
    const session = await sessionOf(made, 'shop.b.test');
    using same = await w.client('shop.b.test', { maxVersion: version, session });
    assert.ok(isResumed(same));
    assert.equal((same.socket as TLSSocket).getProtocol(), protocol);
    assert.equal((await get(same, 'c.test')).status, 200);
    assert.equal((await get(same, 'a.test')).status, 421);
    assert.equal((await get(same, 'x.b.test')).status, 421);
  });
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: where unknown names are refused, the handshake ends with an alert`, async () => {
    await using w = await tlsWorld(authority, { certificates, unknownNames: 'refuse' });
    for (const servername of ['nobody.test', 'y.x.b.test', '']) {
      const failure = await handshakeFailure({ port: w.port, servername, maxVersion: version });
      assert.match(failure, /^ERR_SSL_.*UNRECOGNIZED_NAME$/, servername);
    }
    using client = await w.client('x.b.test', { maxVersion: version });
    const session = await sessionOf(client, 'x.b.test');
    using again = await w.client('x.b.test', { maxVersion: version, session });
    assert.ok(isResumed(again), 'those that are known resume as ever');
    assert.equal((await get(again, 'x.b.test')).status, 200);
  });
}

test('certificates of the same names with keys of two kinds serve clients of both', async () => {
  await using w = await tlsWorld(authority, { certificates: [first, wildcard, rsa] });
  for (const [ciphers, kind] of [
    ['ECDHE-ECDSA-AES128-GCM-SHA256', 'id-ecPublicKey'],
    ['ECDHE-RSA-AES128-GCM-SHA256', 'rsaEncryption'],
  ] as const) {
    using client = await w.client('x.b.test', { ciphers, maxVersion: 'TLSv1.2' });
    const cipher = (client.socket as TLSSocket).getCipher().name;
    assert.equal(cipher, ciphers, kind);
    assert.equal((await get(client, 'y.b.test')).status, 200);
  }
});

test('certificates are renewed, added and removed while connections live', async () => {
  await using w = await tlsWorld(authority, { certificates: [first, wildcard] });
  using old = await w.client('x.b.test');
  assert.equal((await get(old, 'x.b.test')).status, 200);
  await w.swap({ https: { host, port: w.port, tls: { certificates: [first, shop] } } });
  assert.equal((await get(old, 'x.b.test')).status, 200);
  using fresh = await w.client('c.test');
  assert.match(shownNames(fresh), /DNS:c\.test/);
  using gone = await w.client('x.b.test');
  assert.match(shownNames(gone), /DNS:a\.test/);
});

test('what cannot be used is told with its place, and the rest serves on', async () => {
  const nameless = await certify(authority, {});
  await using w = await tlsWorld(authority, { certificates });
  for (const [bad, why] of [
    [{ cert: shop.cert, key: first.key }, /number 2 of its certificates.*does not belong/],
    [nameless, /number 2 of its certificates.*names no host/],
  ] as const) {
    const refused = w.swap({ https: { host, port: w.port, tls: { certificates: [first, bad] } } });
    await assert.rejects(refused, { code: 'certificate_invalid', message: why });
  }
  await assert.rejects(w.swap({ https: { host, port: w.port, tls: { certificates: [] } } }), {
    code: 'certificate_invalid',
  });
  using client = await w.client('c.test');
  assert.equal((await get(client, 'c.test')).status, 200);
});
