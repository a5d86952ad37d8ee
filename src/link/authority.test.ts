import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { createAuthority, issueRegionIdentity, issueServerCertificate } from './authority.ts';
import { objectId, time } from './der.ts';

const now = new Date('2031-03-04T05:06:07.890Z');

test('the authority signs itself and may sign leaves', () => {
  const authority = createAuthority(now);
  const certificate = new X509Certificate(authority.cert);
  assert.equal(certificate.ca, true);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(authority.key)));
  assert.equal(certificate.validFrom, 'Mar  3 05:06:07 2031 GMT');
  assert.equal(certificate.validTo, 'Mar  1 05:06:07 2041 GMT');
});

test('a region identity names the region and its addresses', () => {
  const authority = createAuthority(now);
  const options = { addresses: ['127.0.1.1', 'fd00::1'], now };
  const identity = issueRegionIdentity(authority, 'eu-west-1', options);
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

test('two certificates never share a serial number, and each is positive', () => {
  const authority = createAuthority(now);
  const serials = Array.from(
    { length: 20 },
    () =>
      new X509Certificate(issueServerCertificate(authority, ['a.test'], [], now).cert).serialNumber,
  );
  assert.equal(new Set(serials).size, serials.length);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});

test('a server certificate is for servers only and may not take the name of a region', () => {
  const authority = createAuthority(now);
  const { cert } = issueServerCertificate(authority, ['api.exchange.test'], ['127.0.1.1'], now);
  const certificate = new X509Certificate(cert);
  assert.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal(certificate.checkHost('api.exchange.test'), 'api.exchange.test');
  assert.equal(certificate.checkIP('127.0.1.1'), '127.0.1.1');
  assert.throws(
    () => issueServerCertificate(authority, ['x.region.meridian.internal'], [], now),
    RangeError,
  );
  assert.throws(() => issueServerCertificate(authority, [], ['not-an-address'], now), TypeError);
});

test('DER: arcs above 127, and the turn of the century of RFC 5280', () => {
  assert.equal(objectId('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
  assert.equal(time(new Date('2049-12-31T23:59:59Z')).toString('latin1', 2), '491231235959Z');
  assert.equal(time(new Date('2050-01-01T00:00:00Z')).toString('latin1', 2), '20500101000000Z');
});
