import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { RawClient } from '../../../test/support/raw-client.ts';
import {
  get,
  host,
  isResumed,
  sessionOf,
  type TlsWorld,
  tlsWorld,
} from '../../../test/support/tls-world.ts';
import { createAuthority } from '../../link/authority.ts';
import { ticketKeys } from './session-keys.ts';

const authority = await createAuthority();
const [first, renewed, other] = await Promise.all([
  certifyHosts(authority, ['a.test']),
  certifyHosts(authority, ['a.test']),
  certifyHosts(authority, ['b.test']),
]);
const certificates = [first, other];
const sessionSecret = Buffer.alloc(32, 7);
const versions = ['TLSv1.2', 'TLSv1.3'] as const;
type Version = (typeof versions)[number];

async function make(w: TlsWorld, maxVersion: Version, name = 'a.test'): Promise<Buffer> {
  using client = await w.client(name, { maxVersion });
  return await sessionOf(client, name);
}

async function resumes(w: TlsWorld, session: Buffer, maxVersion: Version, name = 'a.test') {
  using client = await w.client(name, { maxVersion, session });
  assert.equal((await get(client, name)).status, 200, 'resumed or not, it is served');
  return isResumed(client);
}

for (const version of versions) {
  test(`${version}: a session is resumed by every gateway of the same secret, and no other`, async () => {
    await using one = await tlsWorld(authority, { certificates }, { sessionSecret });
    await using two = await tlsWorld(authority, { certificates }, { sessionSecret });
    await using three = await tlsWorld(authority, { certificates });
    for (const name of ['a.test', 'b.test']) {
      const session = await make(one, version, name);
      assert.ok(await resumes(two, session, version, name), name);
      assert.ok(!(await resumes(three, session, version, name)), name);
    }
  });

  test(`${version}: sessions outlive a renewed certificate, and not the secret`, async () => {
    await using w = await tlsWorld(authority, { certificates }, { sessionSecret });
    const session = await make(w, version);
    await w.swap({ https: { host, port: w.port, tls: { certificates: [renewed, other] } } });
    assert.ok(await resumes(w, session, version));
    w.gateway.useSessionSecret(Buffer.alloc(32, 8));
    assert.ok(!(await resumes(w, session, version)));
    const next = await make(w, version);
    await w.swap({ https: { host, port: w.port, tls: { certificates } } });
    assert.ok(await resumes(w, next, version), 'what a swap makes has the present secret');
  });

  test(`${version}: a session of another listener is not resumed`, async () => {
    const tls = { certificates };
    const listen = { https: { host, port: 0, tls }, partners: { host, port: 0, tls } };
    await using w = await tlsWorld(authority, tls, { sessionSecret, listen });
    const session = await make(w, version);
    const port = w.gateway.ports.partners!;
    using client = await RawClient.connectTls({
      ...{ host, port, session, servername: 'a.test', ca: authority.cert, maxVersion: version },
    });
    assert.ok(!isResumed(client));
    assert.equal((await get(client, 'a.test')).status, 200);
  });
}

test('keys of tickets differ by secret and by context', () => {
  const keys = [
    ticketKeys(Buffer.alloc(32, 1), 'one'),
    ticketKeys(Buffer.alloc(32, 1), 'two'),
    ticketKeys(Buffer.alloc(32, 2), 'one'),
  ].map((key) => key.toString('hex'));
  assert.equal(new Set(keys).size, 3);
  assert.ok(keys.every((key) => key.length === 96));
});
