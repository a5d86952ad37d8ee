import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MeridianError, messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { type LinkIdentity, regionOfCertificate } from '../link/identity.ts';

export type MaterialErrorCode = 'material_unreadable' | 'material_invalid';

/** A certificate chain with its private key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What a region proves who it is with. Secret: never logged, never shown. */
export interface Material {
  /** For the HTTPS listener; without it there is none. */
  readonly https: KeyPair | undefined;
  /** For the inter-region link; without it the region stands alone. */
  readonly identity: LinkIdentity | undefined;
}

/**
 * Reads the certificates and keys that the configuration names, or else those in the
 * state directory (`tls/cert.pem`, `identity/ca.pem`, …) where a stack puts them.
 *
 * @throws MeridianError `material_unreadable` or `material_invalid`, naming the file.
 */
export async function loadMaterial(
  config: Config,
  region: string,
  stateDirectory: string,
): Promise<Material> {
  const inRegion = (path: string) => path.replaceAll('{region}', region);
  const inState = (...parts: string[]) => join(stateDirectory, ...parts);
  const https = await readPair(
    config.tls ? inRegion(config.tls.certificate) : inState('tls', 'cert.pem'),
    config.tls ? inRegion(config.tls.key) : inState('tls', 'key.pem'),
    config.tls !== undefined,
  );
  const { identity } = config;
  const pair = await readPair(
    identity ? inRegion(identity.certificate) : inState('identity', 'cert.pem'),
    identity ? inRegion(identity.key) : inState('identity', 'key.pem'),
    identity !== undefined,
  );
  if (!pair) return { https, identity: undefined };
  const named = regionOfCertificate({
    subjectaltname: new X509Certificate(pair.cert).subjectAltName ?? '',
  });
  if (named !== region) {
    const whose = named === undefined ? 'no region' : `region "${named}"`;
    invalid(`the identity certificate names ${whose}, where "${region}" is needed`);
  }
  const ca = await readPem(identity ? inRegion(identity.authority) : inState('identity', 'ca.pem'));
  return { https, identity: { ca, ...pair } };
}

async function readPair(
  certPath: string,
  keyPath: string,
  required: boolean,
): Promise<KeyPair | undefined> {
  let cert: string;
  try {
    cert = await readFile(certPath, 'utf8');
  } catch (cause) {
    if (!required) return undefined;
    return unreadable(certPath, cause);
  }
  const key = await readPem(keyPath);
  assertPair(cert, certPath, key, keyPath);
  return { cert, key };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    return unreadable(path, cause);
  }
}

function assertPair(cert: string, certPath: string, key: string, keyPath: string): void {
  const certificate = parsed(() => new X509Certificate(cert), certPath, 'certificate');
  const privateKey = parsed(() => createPrivateKey(key), keyPath, 'private key');
  if (certificate.checkPrivateKey(privateKey)) return;
  invalid(`the key in ${keyPath} does not belong to the certificate in ${certPath}`);
}

function parsed<Value>(parse: () => Value, path: string, what: string): Value {
  try {
    return parse();
  } catch {
    return invalid(`${path} holds no PEM ${what}`);
  }
}

function unreadable(path: string, cause: unknown): never {
  throw new MeridianError<MaterialErrorCode>(
    'material_unreadable',
    `cannot read ${path}: ${messageOf(cause)}`,
    { cause },
  );
}

function invalid(message: string): never {
  throw new MeridianError<MaterialErrorCode>('material_invalid', message);
}
