import { isIP, type Socket } from 'node:net';
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls';
import type { CertificateCheck } from '../../config/schema/check.ts';
import type { ProbeCheck, ProbeTarget } from '../targets.ts';

const dayMs = 86_400_000;
/** A certificate with less time left is told of while all is well. */
const tellWithinDays = 14;

export const isSecure = (socket: Socket): socket is TLSSocket => socket instanceof TLSSocket;

/** What a check expects of certificates; `undefined`: it speaks in clear. */
export function certificateCheckOf(check: ProbeCheck): CertificateCheck | undefined {
  if (check.type === 'metric') return check.url?.startsWith('https:') ? check : undefined;
  if (check.type === 'tls' || check.type === 'https') return check;
  return check.type === 'grpc' ? check.tls : undefined;
}

/** The name that is asked for by SNI; `undefined` where only an address is known (RFC 6066). */
export function serverNameOf({ host, check }: ProbeTarget): string | undefined {
  const given = certificateCheckOf(check)?.serverName;
  if (given !== undefined) return given;
  const field = check.type === 'https' ? check.host?.replace(/:\d+$/, '') : undefined;
  const name = field ?? host;
  return isIP(name) === 0 ? name : undefined;
}

/** What is wrong with the certificate of a finished handshake, for people. */
export function faultOf(socket: TLSSocket, target: ProbeTarget): string | undefined {
  if (socket.authorized || !certificateCheckOf(target.check)?.verify) return undefined;
  // Where the check of the certificate is left to us, Node gives the code alone.
  const code = String(socket.authorizationError);
  if (code === 'CERT_HAS_EXPIRED') return `the certificate expired on ${lastDayOf(socket)}`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `the certificate is not for ${serverNameOf(target) ?? target.host}`;
  }
  return certificateFaults.get(code) ?? `the certificate is not trusted (${code})`;
}

const certificateFaults = new Map([
  ['CERT_NOT_YET_VALID', 'the certificate is not valid yet'],
  ['CERT_SIGNATURE_FAILURE', 'the certificate is of an authority that is not trusted'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'the certificate is self-signed'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'the certificate is of an authority that is not trusted'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'the certificate is of an authority that is not trusted'],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'the certificate is of an authority that is not trusted'],
]);

/** Why no handshake came about; `undefined`: it was the network. */
export function handshakeFault(code: string): string | undefined {
  if (code === 'ECONNRESET') return 'closed during the TLS handshake';
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return 'what answers is not TLS';
  }
  const reason = /^ERR_SSL_(\w+)$/.exec(code)?.[1] ?? (code === 'EPROTO' ? code : undefined);
  return reason && `TLS handshake failed: ${reason.toLowerCase().replaceAll('_', ' ')}`;
}

/** A word on a certificate that ends soon, to follow what else there is to tell. */
export function expiryNote(socket: Socket, nowMs: number): string {
  if (!isSecure(socket)) return '';
  const untilMs = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
  if (Number.isNaN(untilMs) || untilMs - nowMs > tellWithinDays * dayMs) return '';
  const verb = untilMs < nowMs ? 'expired' : 'expires';
  return `; the certificate ${verb} on ${new Date(untilMs).toISOString().slice(0, 10)}`;
}

function lastDayOf(socket: TLSSocket): string {
  const untilMs = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
  return Number.isNaN(untilMs) ? 'an unknown day' : new Date(untilMs).toISOString().slice(0, 10);
}

/** Kept authorities; more are not in use at one time, but for odd configurations. */
const mostContexts = 64;

/** Whom probes trust, by the PEM text of the authority: parsed once, not with each probe. */
export class TrustStore {
  readonly #contexts = new Map<string, SecureContext>();

  contextOf(authority = ''): SecureContext {
    const known = this.#contexts.get(authority);
    if (known) return known;
    if (this.#contexts.size >= mostContexts) this.#contexts.clear();
    const context = createSecureContext({
      minVersion: 'TLSv1.2',
      ...(authority === '' ? {} : { ca: authority }),
    });
    this.#contexts.set(authority, context);
    return context;
  }
}
