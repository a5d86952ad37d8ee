import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { clientAuthentication, serverAuthentication, signCertificate } from './certificate.ts';
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
const issuer = 'Meridian development CA';

/**
 * A new CA, self-signed, for development and tests. Production brings its own. All keys are
 * P-256. Certificates are valid from a day ago, so that a clock that is behind accepts them.
 */
export function createAuthority(now: Date = new Date()): Authority {
  const pair = keyPair();
  const cert = signCertificate({
    subject: issuer,
    publicKey: pair.publicKey,
    issuer,
    issuerKey: pair.privateKey,
    issuerPublicKey: pair.publicKey,
    ...validity(now, authorityDays),
    use: { kind: 'authority' },
  });
  return { cert, key: privatePem(pair.privateKey) };
}

/**
 * The identity of `region` on the inter-region link: a certificate for both roles of TLS
 * that names the region, and the addresses where it is reached.
 */
export function issueRegionIdentity(
  authority: Authority,
  region: string,
  { addresses = [], now = new Date() }: { addresses?: readonly string[]; now?: Date } = {},
): LinkIdentity {
  const purposes = [serverAuthentication, clientAuthentication];
  return {
    ca: authority.cert,
    ...issue(authority, region, purposes, [linkServerName(region)], addresses, now),
  };
}

/**
 * A certificate for the HTTPS listener. It cannot open a link connection: it is for servers
 * only, and names no region. Throws `RangeError` when a name lies in the link's own domain.
 */
export function issueServerCertificate(
  authority: Authority,
  dnsNames: readonly string[],
  addresses: readonly string[],
  now: Date = new Date(),
): ServerCertificate {
  for (const dnsName of dnsNames) {
    if (/\.meridian\.internal$/i.test(dnsName)) {
      throw new RangeError(`"${dnsName}" is reserved for the identities of regions`);
    }
  }
  const subject = dnsNames[0] ?? addresses[0] ?? 'meridian';
  return issue(authority, subject, [serverAuthentication], dnsNames, addresses, now);
}

function issue(
  authority: Authority,
  subject: string,
  purposes: readonly string[],
  dnsNames: readonly string[],
  addresses: readonly string[],
  now: Date,
): ServerCertificate {
  const pair = keyPair();
  const issuerKey = createPrivateKey(authority.key);
  const cert = signCertificate({
    subject: subject.slice(0, 64), // the bound of X.520 on a common name
    publicKey: pair.publicKey,
    issuer,
    issuerKey,
    issuerPublicKey: createPublicKey(issuerKey),
    ...validity(now, leafDays),
    use: { kind: 'leaf', purposes, dnsNames, addresses },
  });
  return { cert, key: privatePem(pair.privateKey) };
}

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

const privatePem = (key: KeyObject): string =>
  key.export({ type: 'pkcs8', format: 'pem' }).toString();

const validity = (now: Date, days: number) => ({
  notBefore: new Date(now.getTime() - dayMs),
  notAfter: new Date(now.getTime() + days * dayMs),
});
