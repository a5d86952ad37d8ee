import 'reflect-metadata'; // before @peculiar/x509, whose parts find each other by it
import { randomBytes, webcrypto } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import type { Authority } from '../../src/link/authority.ts';

export interface CertificateRequest {
  /** The most general name first. */
  readonly subject?: x509.JsonName;
  readonly names?: x509.JsonGeneralNames;
  readonly rsa?: boolean;
  readonly from?: Date;
  readonly until?: Date;
}

const ecdsa = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const rsa = {
  name: 'RSASSA-PKCS1-v1_5',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
  hash: 'SHA-256',
};

/** A certificate as an operator may bring one, with any name, kind of key and validity. PEM texts. */
export async function certify(
  authority: Authority,
  request: CertificateRequest,
): Promise<{ readonly cert: string; readonly key: string }> {
  const { subject = [{ CN: ['test'] }], names = [], from, until } = request;
  const keys = await webcrypto.subtle.generateKey(request.rsa ? rsa : ecdsa, true, [
    'sign',
    'verify',
  ]);
  const [issuerKey] = x509.PemConverter.decode(authority.key);
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer: new x509.X509Certificate(authority.cert).subjectName,
    publicKey: keys.publicKey,
    signingKey: await webcrypto.subtle.importKey('pkcs8', issuerKey!, ecdsa, false, ['sign']),
    signingAlgorithm: ecdsa,
    serialNumber: `01${randomBytes(8).toString('hex')}`,
    notBefore: from ?? new Date(Date.now() - 86_400_000),
    notAfter: until ?? new Date(Date.now() + 90 * 86_400_000),
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
  });
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    cert: certificate.toString('pem'),
    key: `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`,
  };
}

/** For servers. */
export function certifyHosts(
  authority: Authority,
  hosts: readonly string[],
  rest: Omit<CertificateRequest, 'names'> = {},
): Promise<{ readonly cert: string; readonly key: string }> {
  const names = hosts.map((value) => ({
    type: /^[\d.]+$|:/.test(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  return certify(authority, { ...rest, names });
}
