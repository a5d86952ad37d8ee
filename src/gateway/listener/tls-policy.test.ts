import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { get, handshakeFailure, host, tlsWorld } from '../../../test/support/tls-world.ts';
import { createAuthority } from '../../link/authority.ts';

const authority = await createAuthority();
const [ecdsa, rsa] = await Promise.all([
  certifyHosts(authority, ['a.test']),
  certifyHosts(authority, ['a.test'], { rsa: true }),
]);
const certificates = [ecdsa, rsa];
const legacy = { minVersion: 'TLSv1', secureOptions: 0 } as const;

test('modern speaks TLS 1.3 only, intermediate 1.2 too, and neither anything older', async () => {
  await using modern = await tlsWorld(authority, { certificates, policy: 'modern' });
  await using intermediate = await tlsWorld(authority, { certificates });
  for (const [w, maxVersion, agreed] of [
    [modern, 'TLSv1.3', true],
    [modern, 'TLSv1.2', false],
    [intermediate, 'TLSv1.3', true],
    [intermediate, 'TLSv1.2', true],
  ] as const) {
    if (agreed) {
      using client = await w.client('a.test', { maxVersion });
      assert.equal((client.socket as TLSSocket).getProtocol(), maxVersion);
      assert.equal((await get(client, 'a.test')).status, 200);
    } else {
      const failure = await handshakeFailure({ port: w.port, maxVersion });
      assert.match(failure, /PROTOCOL_VERSION/);
    }
  }
  for (const w of [modern, intermediate]) {
    const old: ConnectionOptions = { ...legacy, maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' };
    assert.match(await handshakeFailure({ port: w.port, ...old }), /PROTOCOL_VERSION/);
  }
});

test('intermediate agrees on the ciphers of its list and on no others', async () => {
  await using w = await tlsWorld(authority, { certificates });
  const kinds = ['ECDSA', 'RSA'];
  const suites = ['AES128-GCM-SHA256', 'AES256-GCM-SHA384', 'CHACHA20-POLY1305'];
  for (const cipher of kinds.flatMap((kind) => suites.map((suite) => `ECDHE-${kind}-${suite}`))) {
    using client = await w.client('a.test', { ciphers: cipher, maxVersion: 'TLSv1.2' });
    assert.equal((client.socket as TLSSocket).getCipher().name, cipher);
  }
  for (const cipher of [
    'AES128-GCM-SHA256',
    'AES256-SHA',
    'ECDHE-RSA-AES128-SHA',
    'ECDHE-ECDSA-AES128-SHA256',
    'ECDHE-ECDSA-AES128-CCM',
    'DHE-RSA-AES128-GCM-SHA256',
  ]) {
    const ciphers = `${cipher}:@SECLEVEL=0`;
    const failure = await handshakeFailure({ port: w.port, ciphers, maxVersion: 'TLSv1.2' });
    assert.match(failure, /HANDSHAKE_FAILURE/, cipher);
  }
});

test('the order of the client counts; the groups are those of the list', async () => {
  await using w = await tlsWorld(authority, { certificates });
  for (const first of ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_AES_128_GCM_SHA256']) {
    const ciphers = `${first}:TLS_AES_256_GCM_SHA384`;
    using client = await w.client('a.test', { ciphers });
    assert.equal((client.socket as TLSSocket).getCipher().name, first);
  }
  for (const [ecdhCurve, agreed] of [
    ['X25519MLKEM768', true],
    ['X25519', true],
    ['prime256v1', true],
    ['secp384r1', true],
    ['secp521r1', false],
    ['X448', false],
  ] as const) {
    if (!agreed) {
      const failure = await handshakeFailure({ port: w.port, ecdhCurve });
      assert.match(failure, /HANDSHAKE_FAILURE/, ecdhCurve);
    } else {
      using client = await w.client('a.test', { ecdhCurve });
      assert.equal((await get(client, 'a.test')).status, 200, ecdhCurve);
    }
  }
});

test('a client cannot renegotiate', async () => {
  await using w = await tlsWorld(authority, { certificates });
  using client = await w.client('a.test', { maxVersion: 'TLSv1.2' });
  const socket = client.socket as TLSSocket;
  let done = false;
  socket.renegotiate({ rejectUnauthorized: false }, () => {
    done = true;
  });
  await client.closed().catch(() => {});
  assert.ok(!done);
});

test('only what is spoken is offered', async () => {
  await using w = await tlsWorld(authority, { certificates });
  using client = await w.client('a.test', { ALPNProtocols: ['h2', 'http/1.1'] });
  assert.equal((client.socket as TLSSocket).alpnProtocol, 'http/1.1');
  const failure = await handshakeFailure({ port: w.port, ALPNProtocols: ['h2'] });
  assert.match(failure, /NO_APPLICATION_PROTOCOL/);
  await w.swap({ https: { host, port: w.port, http2: true, tls: { certificates } } });
  using both = await w.client('a.test', { ALPNProtocols: ['http/1.1', 'h2'] });
  assert.equal((both.socket as TLSSocket).alpnProtocol, 'h2');
});
