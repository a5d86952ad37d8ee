import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { DnsError } from '../errors.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';

/** ECDSA on P-256 with SHA-256 (RFC 6605): what every validator knows, and answers stay small. */
export const algorithm = 13;
const protocol = 3;
const zoneKeyFlag = 0x0100;
const secureEntryPointFlag = 0x0001;

/**
 * What a key is for. A `csk` does both: it signs the keys of the zone and everything else.
 *
 *   parent's DS ──▶ ksk ──signs──▶ DNSKEY set ──▶ zsk ──signs──▶ every other set
 *            └────▶ csk ──signs──▶ DNSKEY set, and every other set
 */
export const keyRoles = ['csk', 'ksk', 'zsk'] as const;
export type KeyRole = (typeof keyRoles)[number];

/**
 * Where a key is on its way (RFC 6781 4.1, RFC 7583). At no moment does a validator meet a
 * signature whose key it cannot know: each step waits for what caches may still hold.
 *
 *   published ─▶ active ─▶ retired ─▶ (removed)
 *
 *   in the DNSKEY set      yes │ yes │ yes
 *   signs data (csk, zsk)   –  │ yes │  –
 *   signs keys (csk, ksk)  yes │ yes │ yes
 *   in CDS and CDNSKEY     yes │ yes │  –       so that the parent takes it up, and lets it go
 */
export const keyStates = ['published', 'active', 'retired'] as const;
export type KeyState = (typeof keyStates)[number];

/** A key of a zone, with its private half. */
export class ZoneKey {
  readonly role: KeyRole;
  readonly state: KeyState;
  /** Data of its DNSKEY record. */
  readonly data: Rdata;
  /** A short name, for signatures and people (RFC 4034 appendix B). */
  readonly tag: number;
  readonly #key: KeyObject;

  /** @throws DnsError `bad_dnssec_key` where it is no private key on P-256 */
  constructor(role: KeyRole, state: KeyState, key: KeyObject) {
    this.role = role;
    this.state = state;
    this.#key = key;
    const flags = zoneKeyFlag | (role === 'zsk' ? 0 : secureEntryPointFlag);
    const fixed = Buffer.of(flags >> 8, flags & 0xff, protocol, algorithm);
    const tail = Buffer.concat([fixed, publicOctets(key)]);
    this.data = rdata({ tail });
    this.tag = keyTag(tail);
  }

  static generate(role: KeyRole, state: KeyState): ZoneKey {
    return new ZoneKey(role, state, generateKeyPairSync('ec', { namedCurve }).privateKey);
  }

  /** The same key, further on its way. */
  inState(state: KeyState): ZoneKey {
    return new ZoneKey(this.role, state, this.#key);
  }

  get signsKeys(): boolean {
    return this.role !== 'zsk';
  }

  get signsData(): boolean {
    return this.role !== 'ksk' && this.state === 'active';
  }

  /** Whether the parent is to have a DS of it. */
  get isDelegatedTo(): boolean {
    return this.role !== 'zsk' && this.state !== 'retired';
  }

  /** 64 octets: r and s. */
  sign(octets: Buffer): Buffer {
    return sign('sha256', octets, { key: this.#key, dsaEncoding: 'ieee-p1363' });
  }

  /** The private half, to be sealed: PKCS #8 in PEM. */
  exportPem(): string {
    return this.#key.export({ type: 'pkcs8', format: 'pem' }) as string;
  }

  /** Data of the DS record for a parent (RFC 4034 5.1, SHA-256 of RFC 4509). @param owner in lower case */
  delegation(owner: Buffer): Rdata {
    const digest = createHash('sha256').update(owner).update(this.data.tail).digest();
    const fixed = Buffer.of(this.tag >> 8, this.tag & 0xff, algorithm, digestSha256);
    return rdata({ tail: Buffer.concat([fixed, digest]) });
  }
}

const namedCurve = 'P-256';
const digestSha256 = 2;

/** The point without the octet that says that it is not compressed (RFC 6605 4). */
function publicOctets(key: KeyObject): Buffer {
  const { crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== namedCurve || x === undefined || y === undefined) throw badKey();
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}

/** RFC 4034 appendix B. */
export function keyTag(data: Buffer): number {
  let sum = 0;
  for (let at = 0; at < data.length; at++) sum += at % 2 === 0 ? data[at]! << 8 : data[at]!;
  return (sum + (sum >>> 16)) & 0xffff;
}

/**
 * Reads keys as they are kept: for each a line `ROLE STATE`, such as `csk active`, and its
 * private half as PKCS #8 in PEM. Lines that begin with `#` are notes.
 *
 * @throws DnsError `bad_dnssec_key`, which never tells of the text
 */
export function parseZoneKeys(text: string): ZoneKey[] {
  const keys: ZoneKey[] = [];
  const notes = text.replace(/^#.*$/gm, '');
  const block =
    /\s*(\w+)[ \t]+(\w+)[ \t]*\r?\n(-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----)\s*/y;
  while (block.lastIndex < notes.trimEnd().length) {
    const [, role, state, pem] = block.exec(notes) ?? [];
    if (!isOneOf(keyRoles, role) || !isOneOf(keyStates, state) || pem === undefined) throw badKey();
    keys.push(new ZoneKey(role, state, privateKey(pem)));
  }
  return keys;
}

/** What `parseZoneKeys` reads. Secret. */
export function formatZoneKeys(keys: readonly ZoneKey[]): string {
  return keys.map((key) => `${key.role} ${key.state}\n${key.exportPem()}`).join('');
}

function privateKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    throw badKey();
  }
}

function isOneOf<const Name extends string>(
  names: readonly Name[],
  text: string | undefined,
): text is Name {
  return names.some((name) => name === text);
}

function badKey(): DnsError {
  const expected = 'for each key a line with role and state, and a private key on P-256 in PEM';
  return new DnsError('bad_dnssec_key', `these are no keys of a zone: expected ${expected}`);
}
