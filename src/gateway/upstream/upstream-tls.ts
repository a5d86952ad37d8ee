import { createHash } from 'node:crypto';
import { isIP, type LookupFunction } from 'node:net';
import { type ConnectionOptions, createSecureContext, type SecureContext } from 'node:tls';
import { assertAuthority, assertUsable } from '../listener/certificates.ts';
import { type Dialler, tlsDialler } from './dialler.ts';

/** PEM texts that a service is spoken to with. */
export interface UpstreamMaterial {
  /** Who signs the certificates of the service. Default: the authorities that Node trusts. */
  readonly ca?: string;
  /** Our certificate with its key, where the service asks for one. */
  readonly cert?: string;
  readonly key?: string;
}

export interface UpstreamTlsOptions extends UpstreamMaterial {
  /** For messages: `service orders`. */
  readonly whose: string;
  /** The name that the service must prove, and is asked for by SNI. Default: host of the endpoint. */
  readonly serverName?: string | undefined;
  /** False: whoever answers is believed. */
  readonly verify: boolean;
  readonly protocol: 'http1' | 'http2';
}

/** TLS towards the endpoints of one service. */
export class UpstreamTls {
  /** Equal where connections to the same address may be shared: the same proof, on both sides. */
  readonly key: string;
  readonly #options: UpstreamTlsOptions;
  #context: SecureContext | undefined;

  /** @throws MeridianError `certificate_invalid` naming the service */
  constructor(options: UpstreamTlsOptions) {
    const { ca, cert, key, serverName, verify, protocol, whose } = options;
    if (cert !== undefined) assertUsable({ cert, key: key ?? '', ca }, whose);
    else if (ca !== undefined) assertAuthority(ca, whose);
    const identity = JSON.stringify([ca, cert, key, serverName, verify, protocol]);
    this.key = createHash('sha256').update(identity).digest('base64url');
    this.#options = options;
  }

  /** `host`: an IPv4 address, or a name, whose addresses `lookup` finds. */
  dialler(host: string, port: number, lookup: LookupFunction): Dialler {
    const { serverName, verify, protocol } = this.#options;
    const asked = serverName ?? (isIP(host) === 0 ? host : undefined);
    const options: ConnectionOptions = {
      lookup,
      rejectUnauthorized: verify,
      ALPNProtocols: [protocol === 'http2' ? 'h2' : 'http/1.1'],
      ...(asked === undefined ? {} : { servername: asked }),
    };
    return tlsDialler(options, () => this.#secureContext(), host, port);
  }

  #secureContext(): SecureContext {
    const { ca, cert, key } = this.#options;
    this.#context ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert, key }),
    });
    return this.#context;
  }
}
