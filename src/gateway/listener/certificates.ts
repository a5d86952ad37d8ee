import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { GatewayErrorCode } from '../gateway-error.ts';

/** PEM texts: a certificate chain with its key, and where peers prove themselves, their authority. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/**
 * What `node:tls` finds out late or not at all (it takes an empty key for none, and garbage
 * for an empty list of authorities) is found out here.
 *
 * @param whose For the message: `https on 127.0.0.1:8443`
 * @throws MeridianError `certificate_invalid`; no message holds any of the texts
 */
export function assertUsable({ cert, key, ca }: TlsMaterial, whose: string): void {
  const certificate = attempt(whose, 'no PEM certificate', () => new X509Certificate(cert));
  const privateKey = attempt(whose, 'no PEM private key', () => createPrivateKey(key));
  if (ca !== undefined) attempt(whose, 'no PEM authority', () => new X509Certificate(ca));
  if (!certificate.checkPrivateKey(privateKey)) {
    invalid(whose, 'the key does not belong to the certificate');
  }
  attempt(whose, 'unusable', () => createSecureContext({ cert, key, ca }));
}

export function isSameMaterial(one: TlsMaterial, other: TlsMaterial): boolean {
  return one.cert === other.cert && one.key === other.key && one.ca === other.ca;
}

function attempt<Value>(whose: string, lack: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    return invalid(whose, `${lack} (${messageOf(cause)})`, cause);
  }
}

function invalid(whose: string, why: string, cause?: unknown): never {
  const message = `the certificate for ${whose} cannot be used: ${why}`;
  throw new MeridianError<GatewayErrorCode>('certificate_invalid', message, { cause });
}
