import 'reflect-metadata'; // before @peculiar/x509, whose parts find each other by it
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type LinkIdentity, linkServerName } from './identity.ts';

/** A development CA: PEM texts of its certificate and its private key (PKCS #8). */
export interface Authority {
  readonly cert: string;
  readonly key: string;
}

export interface ServerCertificate {
  readonly cert: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const authorityDays = 3_650;
/** Below the 825 days that browsers accept. */
const leafDays = 820;
const issuerName = 'Meridian development CA';
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * A new CA, self-signed, for development and tests. Production brings its own. All keys are
 * P-256. Certificates are valid from a day ago, so that a clock that is behind accepts them.
 */
export async function createAuthority(now: Date = new Date()): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: commonName(issuerName),
    keys,
    signingAlgorithm: algorithm,
    serialNumber: serialNumber(),
    ...validity(now, authorityDays),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: certificate.toString('pem'), key: await privatePem(keys.privateKey) };
}

/**
 * The identity of `region` on the inter-region link: a certificate for both roles of TLS
 * that names the region, and the addresses where it is reached. `names` are further DNS
 * names that it proves, such as that of a store server's role.
 */
export async function issueRegionIdentity(
  authority: Authority,
  region: string,
  {
    addresses = [],
    names = [],
    now = new Date(),
  }: { addresses?: readonly string[]; names?: readonly string[]; now?: Date } = {},
): Promise<LinkIdentity> {
  const subject = { name: region, dnsNames: [linkServerName(region), ...names], addresses };
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  return {
    ca: authority.cert,
    ...(await issue(authority, subject, [serverAuth, clientAuth], now)),
  };
}

/**
 * A certificate for the HTTPS listener. It cannot open a link connection: it is for servers
 * only, and names no region. Throws `RangeError` when a name lies in the link's own domain,
 * `TypeError` for an address that is none.
 */
export async function issueServerCertificate(
  authority: Authority,
  dnsNames: readonly string[],
  addresses: readonly string[],
  now: Date = new Date(),
): Promise<ServerCertificate> {
  for (const dnsName of dnsNames) {
    if (/\.meridian\.internal$/i.test(dnsName)) {
      throw new RangeError(`"${dnsName}" is reserved for the identities of regions`);
    }
  }
  const subject = { name: dnsNames[0] ?? addresses[0] ?? 'meridian', dnsNames, addresses };
  return issue(authority, subject, [x509.ExtendedKeyUsage.serverAuth], now);
}

interface Subject {
  readonly name: string;
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
}

async function issue(
  authority: Authority,
  subject: Subject,
  purposes: readonly x509.ExtendedKeyUsage[],
  now: Date,
): Promise<ServerCertificate> {
  const alternatives = alternativeNames(subject);
  const issuer = new x509.X509Certificate(authority.cert);
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    subject: commonName(subject.name.slice(0, 64)), // the bound of X.520
    issuer: issuer.subjectName,
    publicKey: keys.publicKey,
    signingKey: await signingKey(authority),
    signingAlgorithm: algorithm,
    serialNumber: serialNumber(),
    ...validity(now, leafDays),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([...purposes]),
      new x509.SubjectAlternativeNameExtension(alternatives),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  });
  return { cert: certificate.toString('pem'), key: await privatePem(keys.privateKey) };
}

function alternativeNames({ dnsNames, addresses }: Subject): x509.JsonGeneralNames {
  for (const address of addresses) {
    if (isIP(address) === 0) throw new TypeError(`"${address}" is not an IP address`);
  }
  return [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...addresses.map((value) => ({ type: 'ip' as const, value })),
  ];
}

const commonName = (name: string): x509.JsonName => [{ CN: [name] }];

/** Positive, with 126 random bits (RFC 5280, section 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toString('hex');
}

function signingKey({ key }: Authority): Promise<webcrypto.CryptoKey> {
  const [pkcs8] = x509.PemConverter.decode(key);
  if (!pkcs8) throw new TypeError('the key of the authority is not PEM');
  return webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']);
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n`;
}

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - dayMs),
  notAfter: new Date(now.getTime() + days * dayMs),
});
