import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';

/** PEM texts: a certificate chain with its key, and where peers prove themselves, their authority. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

/**
 * What `node:tls` finds out late or not at all (it takes an empty key for none, and garbage
 * for an empty list of authorities) is found out here.
 *
 * @param whose For the message: `https on 127.0.0.1:8443`
 * @returns the first certificate of the chain
 * @throws MeridianError `certificate_invalid`; no message holds any of the texts
 */
export function assertUsable({ cert, key, ca }: TlsMaterial, whose: string): X509Certificate {
  const certificate = attempt(whose, 'no PEM certificate', () => new X509Certificate(cert));
  const privateKey = attempt(whose, 'no PEM private key', () => createPrivateKey(key));
  if (ca !== undefined) assertAuthority(ca, whose);
  if (!certificate.checkPrivateKey(privateKey)) {
    invalidCertificate(whose, 'the key does not belong to the certificate');
  }
  attempt(whose, 'unusable', () => createSecureContext({ cert, key, ca }));
  return certificate;
}

/** @throws MeridianError `certificate_invalid` */
export function assertAuthority(ca: string, whose: string): void {
  attempt(whose, 'no PEM authority', () => new X509Certificate(ca));
}

function attempt<Value>(whose: string, lack: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    return invalidCertificate(whose, `${lack} (${messageOf(cause)})`, cause);
  }
}

/** @throws MeridianError `certificate_invalid` */
export function invalidCertificate(whose: string, why: string, cause?: unknown): never {
  const message = `the certificate for ${whose} cannot be used: ${why}`;
  throw new MeridianError<GatewayErrorCode>('certificate_invalid', message, { cause });
}
