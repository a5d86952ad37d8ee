import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueRegionIdentity, issueServerCertificate } from './authority.ts';

const now = new Date('2031-03-04T05:06:07.890Z');

test('the authority signs itself and may sign leaves', async () => {
  const authority = await createAuthority(now);
  const certificate = new X509Certificate(authority.cert);
  assert.equal(certificate.ca, true);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(authority.key)));
  assert.equal(certificate.validFrom, 'Mar  3 05:06:07 2031 GMT');
  assert.equal(certificate.validTo, 'Mar  1 05:06:07 2041 GMT');
});

test('a region identity names the region and its addresses', async () => {
  const authority = await createAuthority(now);
  const options = { addresses: ['127.0.1.1', 'fd00::1'], now };
  const identity = await issueRegionIdentity(authority, 'eu-west-1', options);
  const certificate = new X509Certificate(identity.cert);
  assert.equal(identity.ca, authority.cert);
  assert.equal(
    certificate.subjectAltName,
    'DNS:eu-west-1.region.meridian.internal, IP Address:127.0.1.1, IP Address:FD00:0:0:0:0:0:0:1',
  );
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
  assert.equal(certificate.ca, false);
  assert.ok(certificate.checkIssued(new X509Certificate(authority.cert)));
  assert.ok(certificate.verify(new X509Certificate(authority.cert).publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(identity.key)));
});

test('two certificates never share a serial number, and each is positive', async () => {
  const authority = await createAuthority(now);
  const issued = await Promise.all(
    Array.from({ length: 20 }, () => issueServerCertificate(authority, ['a.test'], [], now)),
  );
  const serials = issued.map(({ cert }) => new X509Certificate(cert).serialNumber);
  assert.equal(new Set(serials).size, serials.length);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

test('a server certificate is for servers only and may not take the name of a region', async () => {
  const authority = await createAuthority(now);
  const { cert } = await issueServerCertificate(
    authority,
    ['api.exchange.test'],
    ['127.0.1.1'],
    now,
  );
  const certificate = new X509Certificate(cert);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.checkHost('api.exchange.test'), 'api.exchange.test');
  assert.equal(certificate.checkIP('127.0.1.1'), '127.0.1.1');
  await assert.rejects(
    issueServerCertificate(authority, ['x.region.meridian.internal'], [], now),
    RangeError,
  );
  await assert.rejects(issueServerCertificate(authority, [], ['not-an-address'], now), TypeError);
});
