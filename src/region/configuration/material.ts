import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import { type LinkIdentity, regionOfCertificate } from '../../link/identity.ts';
import type { KeyRing } from '../../secrets/key-ring.ts';
import { secretName } from '../../secrets/reference.ts';
import { isSealed, openText, secretFileContext } from '../../secrets/sealed-text.ts';
import { openSecret } from '../../secrets/secrets.ts';
import type { SealedSecrets } from './configuration.ts';

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

/** How what a configuration names is opened. */
export interface MaterialAccess {
  readonly ring: KeyRing | undefined;
  readonly secrets: SealedSecrets;
}

/** Binds the keys in a snapshot to their node. */
export function materialContext(region: string, node: string): string {
  return `snapshot/${region}/${node}`;
}

/** Where the texts of a key pair stand: files, or `secret:NAME`. */
interface PairPlaces {
  readonly certificate: string;
  readonly key: string;
  /** Named by the configuration: then it must be there. */
  readonly required: boolean;
}

/**
 * Reads the certificates and keys that the configuration names, or else those in the
 * state directory (`tls/cert.pem`, `identity/ca.pem`, …) where a stack puts them. Sealed
 * files are opened.
 *
 * @throws MeridianError `material_unreadable` or `material_invalid`, naming the place; and
 *   what opening a secret throws.
 */
export async function loadMaterial(
  config: Pick<Config, 'tls' | 'identity'>,
  region: string,
  stateDirectory: string,
  access: MaterialAccess,
): Promise<Material> {
  const {
    https: httpsPlaces,
    identity: identityPlaces,
    authority,
  } = materialPlaces(config, region, stateDirectory);
  const https = await readPair(httpsPlaces, access);
  const pair = await readPair(identityPlaces, access);
  if (!pair) return { https, identity: undefined };
  const named = regionOfCertificate({
    subjectaltname: new X509Certificate(pair.cert).subjectAltName ?? '',
  });
  if (named !== region) {
    const whose = named === undefined ? 'no region' : `region "${named}"`;
    invalid(`the identity certificate names ${whose}, where "${region}" is needed`);
  }
  return { https, identity: { ca: await readText(authority, access), ...pair } };
}

/** The files that material is read from, whether or not they exist. */
export function materialFiles(
  config: Pick<Config, 'tls' | 'identity'>,
  region: string,
  stateDirectory: string,
): string[] {
  const { https, identity, authority } = materialPlaces(config, region, stateDirectory);
  const places = [https.certificate, https.key, identity.certificate, identity.key, authority];
  return places.filter((place) => secretName(place) === undefined);
}

function materialPlaces(
  config: Pick<Config, 'tls' | 'identity'>,
  region: string,
  stateDirectory: string,
) {
  const inRegion = (place: string) => place.replaceAll('{region}', region);
  const inState = (...parts: string[]) => join(stateDirectory, ...parts);
  const { tls, identity } = config;
  const pair = (folder: string, of: typeof tls): PairPlaces => ({
    certificate: of ? inRegion(of.certificate) : inState(folder, 'cert.pem'),
    key: of ? inRegion(of.key) : inState(folder, 'key.pem'),
    required: of !== undefined,
  });
  return {
    https: pair('tls', tls),
    identity: pair('identity', identity),
    authority: identity ? inRegion(identity.authority) : inState('identity', 'ca.pem'),
  };
}

async function readPair(
  { certificate, key: keyPlace, required }: PairPlaces,
  access: MaterialAccess,
): Promise<KeyPair | undefined> {
  let cert: string;
  try {
    cert = await readText(certificate, access);
  } catch (error) {
    const absent = error instanceof MeridianError && codeOf(error.cause) === 'ENOENT';
    if (absent && !required) return undefined;
    throw error;
  }
  const key = await readText(keyPlace, access);
  assertPair(cert, certificate, key, keyPlace);
  return { cert, key };
}

/** The text at a place: a secret of the store, or a file, plain or sealed. */
async function readText(place: string, { ring, secrets }: MaterialAccess): Promise<string> {
  const name = secretName(place);
  if (name !== undefined) {
    const sealed = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (!sealed) return unreadable(place, new Error('the store has no secret of that name yet'));
    const opened = openSecret(ring, name, sealed);
    try {
      return opened.toString();
    } finally {
      opened.fill(0);
    }
  }
  const text = await readFile(place, 'utf8').catch((cause: unknown) => unreadable(place, cause));
  if (!isSealed(text)) return text;
  try {
    return openText(ring, text, secretFileContext);
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error;
    throw new MeridianError(error.code, `${place}: ${error.message}`, { cause: error });
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
