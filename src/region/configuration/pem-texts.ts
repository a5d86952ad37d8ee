import { createPrivateKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import type { CertificatePlaces } from '../../config/listeners.ts';
import type { KeyPair } from '../../gateway/listener/tls-settings.ts';
import type { KeyRing } from '../../secrets/key-ring.ts';
import { secretName } from '../../secrets/reference.ts';
import { isSealed, openText, secretFileContext } from '../../secrets/sealed-text.ts';
import { openSecret } from '../../secrets/secrets.ts';
import type { SealedSecrets } from './configuration.ts';
import { exposureOf, refusalOf, rightsOf } from './file-rights.ts';

export type MaterialErrorCode = 'material_unreadable' | 'material_invalid';

/** How what a configuration names is opened. */
export interface MaterialAccess {
  readonly ring: KeyRing | undefined;
  readonly secrets: SealedSecrets;
}

const dayMs = 86_400_000;
const soonMs = 14 * dayMs;

/**
 * The PEM texts of one configuration, each place read once. What is found on the way that is not
 * as it should be, and no reason not to serve, is kept as a doubt.
 */
export class PemTexts {
  readonly #access: MaterialAccess;
  readonly #nowMs: number;
  readonly #texts = new Map<string, Promise<ReadText>>();
  readonly #doubts = new Set<string>();

  constructor(access: MaterialAccess, nowMs: number) {
    this.#access = access;
    this.#nowMs = nowMs;
  }

  /** A sentence each, naming the place. */
  get doubts(): readonly string[] {
    return [...this.#doubts];
  }

  /** @throws MeridianError `material_unreadable`, `material_invalid`, and what opening a secret throws */
  async pair({ certificate, key: keyPlace }: CertificatePlaces): Promise<KeyPair> {
    const cert = await this.#read(certificate);
    const key = await this.#readSecret(keyPlace);
    const parsedCert = this.#certificate(cert, certificate);
    const privateKey = parsed(() => createPrivateKey(key), keyPlace, 'private key');
    if (!parsedCert.checkPrivateKey(privateKey)) {
      invalid(`the key in ${keyPlace} does not belong to the certificate in ${certificate}`);
    }
    return { cert, key };
  }

  /** The same, or `undefined` where there is no such file. */
  async pairIfThere(places: CertificatePlaces): Promise<KeyPair | undefined> {
    try {
      await this.#read(places.certificate);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
    return this.pair(places);
  }

  async authority(place: string): Promise<string> {
    const text = await this.#read(place);
    this.#certificate(text, place);
    return text;
  }

  #certificate(text: string, place: string): X509Certificate {
    const certificate = parsed(() => new X509Certificate(text), place, 'certificate');
    const from = certificate.validFromDate.getTime();
    const until = certificate.validToDate.getTime();
    const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
    const now = this.#nowMs;
    if (until <= now) this.#doubts.add(`the certificate in ${place} expired on ${day(until)}`);
    else if (from > now)
      this.#doubts.add(`the certificate in ${place} is valid from ${day(from)} on`);
    else if (until - now < soonMs) {
      this.#doubts.add(`the certificate in ${place} expires on ${day(until)}`);
    }
    return certificate;
  }

  /** Any text that is a secret. @throws as `pair` */
  text(place: string): Promise<string> {
    return this.#readSecret(place);
  }

  /**
   * The same, or `undefined` where there is no such file, with a doubt that says what is done
   * without.
   */
  async textIfThere(place: string, without: string): Promise<string | undefined> {
    try {
      return await this.#readSecret(place);
    } catch (error) {
      if (!isMissing(error)) throw error;
      this.#doubts.add(`there is no ${place}: ${without}`);
      return undefined;
    }
  }

  async #readSecret(place: string): Promise<string> {
    const { text, exposure } = await this.#readOnce(place);
    if (exposure !== undefined) this.#doubts.add(`${place} holds a secret, and ${exposure}`);
    return text;
  }

  async #read(place: string): Promise<string> {
    return (await this.#readOnce(place)).text;
  }

  #readOnce(place: string): Promise<ReadText> {
    const known = this.#texts.get(place);
    if (known) return known;
    const text = readText(place, this.#access);
    this.#texts.set(place, text);
    return text;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof MeridianError && codeOf(error.cause) === 'ENOENT';
}

interface ReadText {
  readonly text: string;
  /** Who else may read it, if that is more than it should be. */
  readonly exposure?: string | undefined;
}

/** The text at a place: a secret of the store, or a file, plain or sealed. */
async function readText(place: string, { ring, secrets }: MaterialAccess): Promise<ReadText> {
  const name = secretName(place);
  if (name !== undefined) {
    const sealed = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
    if (!sealed) return unreadable(place, new Error('the store has no secret of that name yet'));
    const opened = openSecret(ring, name, sealed);
    try {
      return { text: opened.toString() };
    } finally {
      opened.fill(0);
    }
  }
  const { text, rights } = await readPlain(place);
  // Sealed, it says nothing to who reads it, and nobody without the outer key can write another.
  if (!isSealed(text)) {
    const refusal = rights && refusalOf(rights);
    if (refusal !== undefined) invalid(`cannot use ${place}: ${refusal}; make it 0600`);
    return { text, exposure: rights && exposureOf(rights) };
  }
  try {
    return { text: openText(ring, text, secretFileContext) };
  } catch (error) {
    if (!(error instanceof MeridianError)) throw error;
    throw new MeridianError(error.code, `${place}: ${error.message}`, { cause: error });
  }
}

async function readPlain(place: string) {
  try {
    const file = await open(place);
    try {
      return { text: await file.readFile('utf8'), rights: await rightsOf(file, place) };
    } finally {
      await file.close();
    }
  } catch (cause) {
    return unreadable(place, cause);
  }
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

/** @throws MeridianError `material_invalid` */
export function invalid(message: string): never {
  throw new MeridianError<MaterialErrorCode>('material_invalid', message);
}
