import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4, isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import * as d from './der.ts';

const oid = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const;

export const serverAuthentication = '1.3.6.1.5.5.7.3.1';
export const clientAuthentication = '1.3.6.1.5.5.7.3.2';

export interface CertificateRequest {
  readonly subject: string;
  readonly publicKey: KeyObject;
  readonly issuer: string;
  /** P-256. */
  readonly issuerKey: KeyObject;
  readonly issuerPublicKey: KeyObject;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly use:
    | { readonly kind: 'authority' }
    | {
        readonly kind: 'leaf';
        readonly purposes: readonly string[];
        readonly dnsNames: readonly string[];
        readonly addresses: readonly string[];
      };
}

/**
 * Writes and signs an X.509 v3 certificate (RFC 5280) with ECDSA over P-256 and SHA-256.
 * Every extension that RFC 5280 asks of an authority and of what it issues is there, so
 * that strict verifiers accept it. Returns PEM.
 */
export function signCertificate(request: CertificateRequest): string {
  const algorithm = d.sequence(d.objectId(oid.ecdsaWithSha256));
  const body = d.sequence(
    d.der(0xa0, d.integer(Buffer.from([2]))), // version 3
    d.integer(serialNumber()),
    algorithm,
    name(request.issuer),
    d.sequence(d.time(request.notBefore), d.time(request.notAfter)),
    name(request.subject),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    d.der(0xa3, d.sequence(...extensions(request))),
  );
  const signature = sign('sha256', body, request.issuerKey);
  return pem('CERTIFICATE', d.sequence(body, algorithm, d.bits(signature)));
}

/** Positive, 126 bits of it random (section 4.1.2.2 allows 20 bytes). */
function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

const name = (text: string): Buffer =>
  d.sequence(d.setOf(d.sequence(d.objectId(oid.commonName), d.utf8(text))));

function extensions({ use, publicKey, issuerPublicKey }: CertificateRequest): Buffer[] {
  const keyIds = [
    extension(oid.subjectKeyId, d.octets(keyId(publicKey))),
    extension(oid.authorityKeyId, d.sequence(d.der(0x80, keyId(issuerPublicKey)))),
  ];
  if (use.kind === 'authority') {
    return [
      // An authority that may sign leaves only, never another authority.
      critical(oid.basicConstraints, d.sequence(d.trueValue, d.integer(Buffer.from([0])))),
      critical(oid.keyUsage, d.bits(Buffer.from([0b0000_0110]), 1)), // keyCertSign, cRLSign
      ...keyIds,
    ];
  }
  return [
    critical(oid.basicConstraints, d.sequence()),
    critical(oid.keyUsage, d.bits(Buffer.from([0b1000_0000]), 7)), // digitalSignature
    extension(oid.extendedKeyUsage, d.sequence(...use.purposes.map(d.objectId))),
    extension(
      oid.subjectAltName,
      d.sequence(
        ...use.dnsNames.map((dnsName) => d.der(0x82, Buffer.from(dnsName, 'ascii'))),
        ...use.addresses.map((address) => d.der(0x87, addressBytes(address))),
      ),
    ),
    ...keyIds,
  ];
}

const extension = (id: string, value: Buffer): Buffer =>
  d.sequence(d.objectId(id), d.octets(value));
const critical = (id: string, value: Buffer): Buffer =>
  d.sequence(d.objectId(id), d.trueValue, d.octets(value));

/** Section 4.2.1.2, in the form of RFC 7093: the first 20 bytes of a SHA-256. */
function keyId(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest().subarray(0, 20);
}

function addressBytes(address: string): Buffer {
  if (!isIPv4(address) && !isIPv6(address)) throw new TypeError(`"${address}" is no IP address`);
  return Buffer.from(ipaddr.parse(address).toByteArray());
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
