import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { certificateField, readCertificateField } from './relayed-certificate.ts';

const hex = (octets: number) =>
  fc
    .uint8Array({ minLength: octets, maxLength: octets })
    .map((bytes) => Buffer.from(bytes).toString('hex'));
const plain = { noNullPrototype: true };
const anyName = fc.record({ kind: fc.string(), value: fc.string({ unit: 'grapheme' }) }, plain);
const anyCertificate = fc.record(
  {
    subject: fc.string({ unit: 'grapheme' }),
    names: fc.array(anyName),
    fingerprint: hex(32),
    serial: hex(8),
  },
  plain,
);

test('property: what an edge tells of a certificate is what the region reads, in one field value', () => {
  fc.assert(
    fc.property(anyCertificate, (certificate) => {
      const field = certificateField(certificate);
      assert.match(field, /^[\w-]+$/);
      const read = readCertificateField(field);
      assert.deepEqual(read, certificate);
      assert.ok(Object.isFrozen(read) && Object.isFrozen(read.names));
    }),
    { numRuns: 200 },
  );
});

test('property: anything else is an error, never a client without a certificate', () => {
  const anyValue = fc.oneof(
    fc.string(),
    fc.json().map((text) => Buffer.from(text).toString('base64url')),
  );
  fc.assert(
    fc.property(anyValue, (value) => assert.throws(() => readCertificateField(value))),
    {
      numRuns: 300,
    },
  );
  const good = { subject: '', names: [], fingerprint: 'a'.repeat(64), serial: '1' };
  for (const change of [{ fingerprint: 'b' }, { more: 1 }, { names: [{ kind: 'DNS' }] }]) {
    const text = JSON.stringify({ ...good, ...change });
    assert.throws(() => readCertificateField(Buffer.from(text).toString('base64url')));
  }
});
