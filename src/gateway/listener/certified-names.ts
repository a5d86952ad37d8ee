import type { X509Certificate } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { alternativeNames } from './alternative-names.ts';

/**
 * The names that a certificate proves: DNS names and addresses of its subject alternative
 * names, never the common name (RFC 9525 section 6). `*` stands for one whole leftmost label;
 * partial wildcards (`w*.test`) and those of a whole top-level domain (`*.test`) prove nothing.
 */
export class CertifiedNames {
  /** DNS names in lower case. */
  readonly exact: ReadonlySet<string>;
  /** `example.com` of `*.example.com`. */
  readonly parents: ReadonlySet<string>;
  readonly #addresses: ReadonlySet<string>;

  constructor(certificate: Pick<X509Certificate, 'subjectAltName'>) {
    const exact = new Set<string>();
    const parents = new Set<string>();
    const addresses = new Set<string>();
    for (const { kind, value } of alternativeNames(certificate.subjectAltName)) {
      if (kind === 'IP Address') addresses.add(canonicalAddress(value) ?? value);
      if (kind !== 'DNS') continue;
      const name = value.toLowerCase().replace(/\.$/, '');
      const parent = /^\*\.([^*]+\.[^*]+)$/.exec(name)?.[1];
      if (parent !== undefined) parents.add(parent);
      else if (!name.includes('*')) exact.add(name);
    }
    this.exact = exact;
    this.parents = parents;
    this.#addresses = addresses;
  }

  /** It can be asked for by no name in SNI. */
  get isEmpty(): boolean {
    return this.exact.size === 0 && this.parents.size === 0;
  }

  /** Equal for certificates of the same names, such as an ECDSA and an RSA one. */
  get key(): string {
    return [this.exact, this.parents, this.#addresses]
      .map((set) => [...set].sort().join(' '))
      .join('|');
  }

  /** `host` as `parseAuthority` gives it: in lower case, without port and final dot. */
  covers(host: string): boolean {
    if (this.exact.has(host)) return true;
    const parent = parentOf(host);
    if (parent !== undefined && this.parents.has(parent)) return true;
    if (this.#addresses.size === 0) return false;
    const address = canonicalAddress(host.startsWith('[') ? host.slice(1, -1) : host);
    return address !== undefined && this.#addresses.has(address);
  }
}

/**
 * Which of a listener's certificates a server name gets:
 *
 *   shop.example.com ──▶ exact?  ──▶ *.example.com?  ──▶ none
 *
 * Exact names come before wildcards; of equal names the one that is listed first counts.
 */
export class ServerNames<Certificate> {
  readonly #exact = new Map<string, Certificate>();
  readonly #parents = new Map<string, Certificate>();

  add({ exact, parents }: CertifiedNames, certificate: Certificate): void {
    for (const name of exact) if (!this.#exact.has(name)) this.#exact.set(name, certificate);
    for (const name of parents) if (!this.#parents.has(name)) this.#parents.set(name, certificate);
  }

  /** `name` as it came in SNI; `undefined`: it came without. */
  find(name: string | undefined): Certificate | undefined {
    if (name === undefined) return undefined;
    const lower = name.toLowerCase();
    const exact = this.#exact.get(lower);
    if (exact !== undefined) return exact;
    const parent = parentOf(lower);
    return parent === undefined ? undefined : this.#parents.get(parent);
  }
}

/** What follows the first label; `undefined` for a single label and for an empty first one. */
function parentOf(host: string): string | undefined {
  const dot = host.indexOf('.');
  return dot <= 0 ? undefined : host.slice(dot + 1);
}

/** `undefined`: not an address. */
function canonicalAddress(text: string): string | undefined {
  const first = text.charCodeAt(0);
  if (!text.includes(':') && (first < 0x30 || first > 0x39)) return undefined;
  return ipaddr.isValid(text) ? ipaddr.process(text).toNormalizedString() : undefined;
}
