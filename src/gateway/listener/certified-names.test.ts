import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { certify, certifyHosts } from '../../../test/support/certificates.ts';
import { createAuthority } from '../../link/authority.ts';
import { alternativeNames } from './alternative-names.ts';
import { CertifiedNames, ServerNames } from './certified-names.ts';
import { readClientCertificate } from './client-certificate.ts';

const names = (...values: string[]) =>
  new CertifiedNames({ subjectAltName: values.map((value) => `DNS:${value}`).join(', ') });

test('a wildcard stands for one whole leftmost label, and for nothing else', () => {
  const cases: [pattern: string, host: string, covered: boolean][] = [
    ['a.test', 'a.test', true],
    ['A.Test', 'a.test', true],
    ['a.test.', 'a.test', true],
    ['a.test', 'b.test', false],
    ['a.test', 'x.a.test', false],
    ['*.a.test', 'x.a.test', true],
    ['*.a.test', 'a.test', false],
    ['*.a.test', 'x.y.a.test', false],
    ['*.a.test', '.a.test', false],
    ['*.a.test', 'xa.test', false],
    ['*.test', 'a.test', false],
    ['*', 'test', false],
    ['w*.a.test', 'www.a.test', false],
    ['*w.a.test', 'www.a.test', false],
    ['x.*.test', 'x.a.test', false],
    ['*.*.test', 'x.a.test', false],
    ['a.test', '', false],
  ];
  for (const [pattern, host, covered] of cases) {
    assert.equal(names(pattern).covers(host), covered, `${pattern} ${host}`);
  }
});

test('addresses are covered in every spelling, and names that look like them are not', async () => {
  const authority = await createAuthority();
  const { cert } = await certifyHosts(authority, ['192.0.2.1', '2001:db8::1']);
  const own = new CertifiedNames(new X509Certificate(cert));
  for (const host of ['192.0.2.1', '[2001:db8::1]', '[2001:db8:0:0::1]']) {
    assert.ok(own.covers(host), host);
  }
  for (const host of ['192.0.2.2', '[2001:db8::2]', 'a.test', '']) {
    assert.ok(!own.covers(host), host);
  }
  assert.ok(own.isEmpty, 'no client asks for an address by SNI');
  assert.ok(!names('192.0.2.1').covers('192.0.2.2'));
});

test('the most specific certificate is found, of equal ones the first', () => {
  const table = new ServerNames<string>();
  table.add(names('*.a.test'), 'wildcard');
  table.add(names('x.a.test', 'b.test'), 'first');
  table.add(names('x.a.test'), 'second');
  assert.equal(table.find('x.a.test'), 'first');
  assert.equal(table.find('X.A.TEST'), 'first');
  assert.equal(table.find('y.a.test'), 'wildcard');
  assert.equal(table.find('b.test'), 'first');
  for (const name of ['a.test', 'z.y.a.test', 'test', '', '.a.test', undefined]) {
    assert.equal(table.find(name), undefined, String(name));
  }
});

test('no value of a certificate passes for another entry of it', async () => {
  const authority = await createAuthority();
  const forged = 'https://x/, DNS:admin.test';
  const { cert } = await certify(authority, {
    names: [
      { type: 'url', value: forged },
      { type: 'dns', value: 'a.test' },
      { type: 'email', value: 'ops@a.test' },
    ],
  });
  const certificate = new X509Certificate(cert);
  assert.deepEqual(alternativeNames(certificate.subjectAltName), [
    { kind: 'URI', value: forged },
    { kind: 'DNS', value: 'a.test' },
    { kind: 'email', value: 'ops@a.test' },
  ]);
  assert.ok(!new CertifiedNames(certificate).covers('admin.test'));
  assert.deepEqual(alternativeNames('DNS:a.test, broken, DNS:b.test'), [
    { kind: 'DNS', value: 'a.test' },
  ]);
  assert.deepEqual(alternativeNames(undefined), []);
});

test('a subject is told in RFC 4514, whatever stands in it', async () => {
  const authority = await createAuthority();
  const { cert } = await certify(authority, {
    subject: [
      { C: ['DE'] },
      { O: ['Example, Inc. + Sons'] },
      { OU: ['Orders'], L: ['Berlin\nCN=admin'] },
      { CN: [' orders, CN=admin'] },
    ],
    names: [{ type: 'url', value: 'spiffe://example/orders' }],
  });
  const {
    subject,
    names: alternatives,
    fingerprint,
    serial,
  } = readClientCertificate(new X509Certificate(cert));
  assert.equal(
    subject,
    'CN=\\ orders\\, CN=admin,OU=Orders+L=Berlin\\0ACN=admin,O=Example\\, Inc. \\+ Sons,C=DE',
  );
  assert.deepEqual(alternatives, [{ kind: 'URI', value: 'spiffe://example/orders' }]);
  assert.match(fingerprint, /^[0-9a-f]{64}$/);
  assert.match(serial, /^01[0-9A-F]{16}$/);
});
