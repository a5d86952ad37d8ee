import { X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';

/** How DNS over TLS proves who it is. PEM texts. */
export interface DnsTls {
  /** At least one; the first is for clients that name nobody, or somebody unknown. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[];
  /** Versions, ciphers and groups. */
  readonly policy: SecureContextOptions;
  /** 48 octets by which all threads resume each other's sessions; default: only its own. */
  readonly ticketKeys?: Uint8Array | undefined;
}

/** Sessions are good for all certificates: who resumes one has proved to have had it. */
const sessionIdContext = 'dns over tls';

/** The certificates of a listener, chosen by the name that a client asks for (SNI). */
export class TlsContexts {
  /** What a client gets that names nobody. */
  readonly options: SecureContextOptions;
  readonly ticketKeys: Buffer | undefined;
  readonly #named: readonly {
    readonly certificate: X509Certificate;
    readonly context: SecureContext;
  }[];

  /** @throws what `node:tls` finds wrong with them. */
  constructor({ certificates, policy, ticketKeys }: DnsTls) {
    const [first] = certificates;
    if (!first) throw new Error('no certificate');
    const shared = { ...policy, sessionIdContext };
    this.options = { ...shared, ...first };
    this.ticketKeys = ticketKeys && Buffer.from(ticketKeys);
    this.#named = certificates.map(({ cert, key }) => ({
      certificate: new X509Certificate(cert),
      context: createSecureContext({ ...shared, cert, key }),
    }));
  }

  /** `undefined`: that of `options`. */
  find(name: string): SecureContext | undefined {
    if (this.#named.length === 1) return undefined;
    return this.#named.find(({ certificate }) => certificate.checkHost(name) !== undefined)
      ?.context;
  }
}
