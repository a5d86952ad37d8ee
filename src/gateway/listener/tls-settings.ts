import type { TlsPolicyName } from './tls-policy.ts';

/** PEM texts: a certificate chain with its key. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What clients have to prove. */
export interface ClientAuthentication {
  /** PEM text of the authorities that sign their certificates. */
  readonly ca: string;
  /** `request`: a client without a certificate is served as nobody; one that does not hold is refused. */
  readonly mode: 'require' | 'request';
}

/** How one listener speaks TLS. */
export interface TlsSettings {
  /** At least one. The first is for clients that name nobody, or somebody unknown. */
  readonly certificates: readonly KeyPair[];
  /** Default: `intermediate`. */
  readonly policy?: TlsPolicyName;
  readonly clients?: ClientAuthentication;
  /** Whether a client that names nobody, or somebody unknown, is served. Default: `serve`. */
  readonly unknownNames?: 'serve' | 'refuse';
}
