import type { X509Certificate } from 'node:crypto';
import { type AlternativeName, alternativeNames } from './alternative-names.ts';

/** What a client proved to be, by a certificate that its listener's authority signed. */
export interface ClientCertificate {
  /** Distinguished name in the text form of RFC 4514: `CN=orders,O=Example,C=DE`. */
  readonly subject: string;
  readonly names: readonly AlternativeName[];
  /** SHA-256 of the certificate in DER, 64 hexadecimal digits in lower case. */
  readonly fingerprint: string;
  /** Hexadecimal, as it stands in the certificate. */
  readonly serial: string;
}

/** One for all requests of a connection: policies of the operator cannot change it. */
export function readClientCertificate(certificate: X509Certificate): ClientCertificate {
  const names = alternativeNames(certificate.subjectAltName).map((name) => Object.freeze(name));
  return Object.freeze({
    subject: distinguishedName(certificate.subject),
    names: Object.freeze(names),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    serial: certificate.serialNumber,
  });
}

/**
 * Node gives one line per relative name, the most general first, its values escaped by
 * RFC 2253 (which RFC 4514 updates), with ` + ` between those of one line. So neither a line
 * break nor that sign can come from a value.
 */
function distinguishedName(lines: string | undefined): string {
  if (!lines) return '';
  return lines
    .split('\n')
    .reverse()
    .map((line) => line.replaceAll(' + ', '+'))
    .join(',');
}
