import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import { createAuthority } from '../../link/authority.ts';
import { ConnectionOrigin } from '../exchange/forwarding.ts';
import { CertifiedNames } from './certified-names.ts';
import { TlsChannel } from './tls-channel.ts';

const [authority, strangers] = await Promise.all([createAuthority(), createAuthority()]);
const [server, known, stranger] = await Promise.all([
  certifyHosts(authority, ['a.test']),
  certify(authority, {
    subject: [{ O: ['Example'] }, { CN: ['orders'] }],
    names: [{ type: 'url', value: 'spiffe://example/orders' }],
  }),
  certify(strangers, { subject: [{ O: ['Example'] }, { CN: ['orders'] }] }),
]);

const names = new CertifiedNames({ subjectAltName: 'DNS:a.test' });
const entrance = {
  name: 'partners',
  protocol: 'https',
  http2: false,
  redirect: undefined,
  gone: false,
} as const;

/** The server's side of a connection for which a certificate was requested. */
async function accepted(client: { readonly cert: string; readonly key: string } | undefined) {
  const listening = createServer({
    ...server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: false,
  });
  listening.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  const seen = once(listening, 'secureConnection');
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...client });
  const [own] = (await seen) as [TLSSocket];
  return {
    own,
    origin: (asked: boolean) =>
      new ConnectionOrigin(entrance, '192.0.2.1', undefined, new TlsChannel(own, names, asked)),
    [Symbol.dispose]() {
      socket.destroy();
      own.destroy();
      listening.close();
    },
  };
}

test('a client that proved who it is, is told by subject, names, fingerprint and serial; read once', async () => {
  using connection = await accepted(known);
  const origin = connection.origin(true);
  const certificate = origin.clientCertificate;
  assert.equal(certificate?.subject, 'CN=orders,O=Example');
  assert.deepEqual(certificate.names, [{ kind: 'URI', value: 'spiffe://example/orders' }]);
  assert.match(certificate.fingerprint, /^[0-9a-f]{64}$/);
  assert.match(certificate.serial, /^01/);
  assert.equal(origin.clientCertificate, certificate);
  connection.own.destroy();
  assert.equal(origin.clientCertificate, certificate, 'also when the connection is over');
});

test('a client without a certificate, or with one of strangers, is nobody', async () => {
  for (const client of [undefined, stranger]) {
    using connection = await accepted(client);
    assert.equal(connection.origin(true).clientCertificate, undefined);
  }
  using connection = await accepted(known);
  assert.equal(connection.origin(false).clientCertificate, undefined, 'nobody asked');
});

test('without TLS, or where nothing depends on it, there is nobody and any host is admitted', () => {
  const origin = new ConnectionOrigin(entrance, '192.0.2.1');
  assert.equal(origin.clientCertificate, undefined);
  assert.ok(origin.admitsHost('c.test') && origin.admitsHost(''));
});

test('an admitted host does not admit the next one', async () => {
  using connection = await accepted(undefined);
  const origin = connection.origin(false);
  for (const [host, admitted] of [
    ['a.test', true],
    ['b.test', false],
    ['a.test', true],
    ['', false],
    ['b.test', false],
  ] as const) {
    assert.equal(origin.admitsHost(host), admitted, host);
  }
});
