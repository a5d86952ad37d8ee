import {
  type ConnectionOptions,
  checkServerIdentity,
  type PeerCertificate,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { LinkError } from './link-error.ts';

/** PEM texts: the authority that signs every region, this region's certificate, its key. */
export interface LinkIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** ALPN names: relayed requests, and control frames (`frames.ts`). */
export const relayProtocol = 'http/1.1';
export const frameProtocol = 'meridian-frames/1';
export type LinkProtocol = typeof relayProtocol | typeof frameProtocol;

const suffix = '.region.meridian.internal';
const regionName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * The name by which the certificate of a region is known: a DNS name in its subject
 * alternative names. It is never looked up.
 */
export function linkServerName(region: string): string {
  if (!regionName.test(region)) {
    throw new LinkError('bad_region_name', `"${region}" cannot be the name of a region`);
  }
  return region + suffix;
}

/**
 * The region that a verified certificate speaks for; `undefined` when it names none, more
 * than one, or a wildcard. Whoever calls must have had the chain verified by TLS.
 */
export function regionOfCertificate(
  certificate: Pick<PeerCertificate, 'subjectaltname'> | undefined,
): string | undefined {
  let found: string | undefined;
  for (const name of (certificate?.subjectaltname ?? '').split(', ')) {
    if (!name.startsWith('DNS:') || !name.endsWith(suffix)) continue;
    const region = name.slice('DNS:'.length, -suffix.length);
    if (!regionName.test(region) || found !== undefined) return undefined;
    found = region;
  }
  return found;
}

/**
 * The configured region on the other side of an accepted or opened link connection, else
 * `undefined`, and then nothing it says may be believed.
 */
export function peerRegionOf(
  socket: TLSSocket,
  isConfigured: (region: string) => boolean,
): string | undefined {
  if (!socket.authorized) return undefined;
  const region = regionOfCertificate(socket.getPeerCertificate());
  return region !== undefined && isConfigured(region) ? region : undefined;
}

const commonOptions = (identity: LinkIdentity) =>
  ({
    ca: identity.ca,
    cert: identity.cert,
    key: identity.key,
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    rejectUnauthorized: true,
  }) as const;

/** For `tls.createServer`: mutual TLS 1.3; a client without a certificate of the CA is refused. */
export function linkServerOptions(identity: LinkIdentity): TlsOptions {
  return {
    ...commonOptions(identity),
    requestCert: true,
    ALPNProtocols: [relayProtocol, frameProtocol],
  };
}

/**
 * For `tls.connect`, to which the caller adds host and port. The server must prove to be
 * `region`: not just any region, so that a mistaken address cannot swap two of them.
 */
export function linkClientOptions(
  identity: LinkIdentity,
  region: string,
  protocol: LinkProtocol = relayProtocol,
): ConnectionOptions {
  return {
    ...commonOptions(identity),
    servername: linkServerName(region),
    ALPNProtocols: [protocol],
    checkServerIdentity(name, certificate) {
      if (regionOfCertificate(certificate) === region)
        return checkServerIdentity(name, certificate);
      return new LinkError('peer_not_region', `the peer's certificate is not that of ${region}`);
    },
  };
}
