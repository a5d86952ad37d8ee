import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import {
  get,
  handshakeFailure,
  host,
  isResumed,
  sessionOf,
  type TlsWorld,
  tlsWorld,
} from '../../../test/support/tls-world.ts';
import { createAuthority } from '../../link/authority.ts';
import type { ClientAuthentication } from './tls-settings.ts';

const [authority, partners, strangers] = await Promise.all([
  createAuthority(),
  createAuthority(),
  createAuthority(),
]);
const [server, known, stranger, expired] = await Promise.all([
  certifyHosts(authority, ['a.test', '*.b.test']),
  certify(partners, {
    subject: [{ O: ['Example'] }, { CN: ['orders'] }],
    names: [{ type: 'url', value: 'spiffe://example/orders' }],
  }),
  certify(strangers, { subject: [{ O: ['Example'] }, { CN: ['orders'] }] }),
  certify(partners, { until: new Date(Date.now() - 1_000) }),
]);
const certificates = [server];
const require = { ca: partners.cert, mode: 'require' } as const;
const request = { ca: partners.cert, mode: 'request' } as const;
const versions = ['TLSv1.2', 'TLSv1.3'] as const;

/** Whether a request gets through, by hook or by crook. */
async function isServed(w: TlsWorld, options: ConnectionOptions): Promise<boolean> {
  const before = w.origin.requests.length;
  try {
    // In TLS 1.3 a client learns only afterwards that its certificate was refused.
    using client = await w.client('a.test', options);
    const { status } = await get(client, 'a.test');
    return status === 200;
  } catch {
    assert.equal(w.origin.requests.length, before);
    return false;
  }
}

for (const maxVersion of versions) {
  test(`${maxVersion}: required, none but those of the authority are connected`, async () => {
    await using w = await tlsWorld(authority, { certificates, clients: require });
    assert.ok(await isServed(w, { ...known, maxVersion }));
    for (const nobody of [{}, stranger, expired]) {
      assert.ok(!(await isServed(w, { ...nobody, maxVersion })));
      const tried = { ...nobody, port: w.port, servername: 'a.test', maxVersion };
      assert.match(await handshakeFailure(tried), /^ERR_SSL_|^closed$|^ECONNRESET$/);
    }
    assert.equal(w.log.length, 1, 'those that were refused are no requests');
  });

  test(`${maxVersion}: no session gets past what is required`, async () => {
    const sessionSecret = Buffer.alloc(32, 1);
    await using w = await tlsWorld(authority, { certificates }, { sessionSecret });
    const asking = (clients: ClientAuthentication) =>
      w.swap({ https: { host, port: w.port, tls: { certificates, clients } } });
    const made = async (options: ConnectionOptions) => {
      using client = await w.client('a.test', { ...options, maxVersion });
      return await sessionOf(client, 'a.test');
    };
    const anonymous = await made({});
    await asking(request);
    const requested = await made({});
    await asking(require);
    const own = await made(known);
    for (const session of [anonymous, requested]) {
      assert.ok(!(await isServed(w, { session, maxVersion })));
    }
    using resumed = await w.client('a.test', { session: own, maxVersion });
    assert.ok(isResumed(resumed), 'one that was made with a certificate is good');
    assert.equal((await get(resumed, 'a.test')).status, 200);
    await asking({ ca: strangers.cert, mode: 'require' });
    assert.ok(!(await isServed(w, { session: own, maxVersion })), 'nor one of another authority');
    assert.ok(await isServed(w, { ...stranger, maxVersion }));
  });
}

test('requested: who has none is served; who has one that does not hold is not, and disturbs nobody', async () => {
  await using w = await tlsWorld(authority, { certificates, clients: request });
  using other = await w.client('a.test', known);
  for (const maxVersion of versions) {
    for (const options of [{}, known]) assert.ok(await isServed(w, { ...options, maxVersion }));
    for (const options of [stranger, expired]) {
      assert.ok(!(await isServed(w, { ...options, maxVersion })));
      assert.equal((await get(other, 'a.test')).status, 200);
    }
  }
});

test('with client certificates the host is bound to the certificate, with one of them too', async () => {
  await using w = await tlsWorld(authority, { certificates, clients: require });
  using client = await w.client('a.test', known);
  assert.equal((await get(client, 'x.b.test')).status, 200);
  assert.equal((await get(client, 'c.test')).status, 421);
});

test('what a client says of certificates is not passed on', async () => {
  await using w = await tlsWorld(authority, { certificates, clients: request });
  using client = await w.client('a.test');
  const forged = [
    'Client-Cert',
    'Client-Cert-Chain',
    'X-Client-Cert',
    'X-Client-Cert-Chain',
    'x_client_cert',
    'X-Client-DN',
    'X-SSL-Cert',
    'X-SSL-Client-Cert',
    'X-SSL-Client-Verify',
    'SSL-Client-Cert',
    'SSL_CLIENT_S_DN',
    'SSL-Client-Verify',
    'X-Amzn-Mtls-Clientcert-Subject',
    'X-Forwarded-Client-Cert',
  ];
  const fields = forged.map((name) => `${name}: CN=admin\r\n`).join('');
  await client.request(`GET / HTTP/1.1\r\nHost: a.test\r\nClient-Kept: 1\r\n${fields}\r\n`);
  const [{ head } = { head: '' }] = w.origin.requests;
  assert.doesNotMatch(head, /admin/);
  assert.match(head, /^Client-Kept: 1\r$/m);
});
