import type { X509Certificate } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import { assertUsable, invalidCertificate } from './certificates.ts';
import { CertifiedNames, ServerNames } from './certified-names.ts';
import type { KeyPair, TlsSettings } from './tls-settings.ts';

/** Certificates for the same names with keys of different kinds: a handshake takes the one that fits. */
export class CertificateBundle {
  readonly names: CertifiedNames;
  readonly pairs: KeyPair[] = [];
  readonly #keyKinds = new Set<string>();

  constructor(names: CertifiedNames) {
    this.names = names;
  }

  /** False: it has one of that kind already. */
  add(pair: KeyPair, keyKind: string): boolean {
    if (this.#keyKinds.has(keyKind)) return false;
    this.#keyKinds.add(keyKind);
    this.pairs.push(pair);
    return true;
  }

  options(): SecureContextOptions {
    return { cert: this.pairs.map(({ cert }) => cert), key: this.pairs.map(({ key }) => key) };
  }
}

/** The certificates of one listener. */
export class CertificateBundles {
  readonly all: readonly CertificateBundle[];
  readonly byName = new ServerNames<CertificateBundle>();

  /** @throws MeridianError `certificate_invalid` naming the listener, and which of its certificates */
  constructor({ certificates, clients }: TlsSettings, whose: string) {
    const all: CertificateBundle[] = [];
    for (const [index, pair] of certificates.entries()) {
      const place = certificates.length === 1 ? whose : `${whose} (${ordinal(index)})`;
      const certificate = assertUsable({ ...pair, ca: clients?.ca }, place);
      const names = new CertifiedNames(certificate);
      if (index > 0 && names.isEmpty) {
        invalidCertificate(place, 'it names no host, so no client can ask for it');
      }
      const same = all.find((bundle) => bundle.names.key === names.key);
      if (same?.add(pair, keyKindOf(certificate))) continue;
      const bundle = new CertificateBundle(names);
      bundle.add(pair, keyKindOf(certificate));
      all.push(bundle);
      this.byName.add(names, bundle);
    }
    if (all.length === 0) invalidCertificate(whose, 'there is none');
    this.all = all;
  }

  get default(): CertificateBundle {
    return this.all[0]!;
  }
}

function keyKindOf({ publicKey }: X509Certificate): string {
  return publicKey.asymmetricKeyType ?? '';
}

function ordinal(index: number): string {
  return index === 0 ? 'its default' : `number ${index + 1} of its certificates`;
}
