import type { TLSSocket } from 'node:tls';
import type { CertifiedNames } from './certified-names.ts';
import { type ClientCertificate, readClientCertificate } from './client-certificate.ts';

/** What the handshake of a connection settled, for all its requests. */
export class TlsChannel {
  readonly #names: CertifiedNames | undefined;
  #socket: TLSSocket | undefined;
  #certificate: ClientCertificate | undefined;
  #lastHost: string | undefined;

  /**
   * @param names of the certificate that was shown; `undefined`: hosts are not bound to it
   * @param asked whether a certificate was asked for
   */
  constructor(socket: TLSSocket, names: CertifiedNames | undefined, asked: boolean) {
    this.#names = names;
    // `authorized` alone does not say that there is one: so is a session resumed without.
    if (asked && socket.authorized) this.#socket = socket;
  }

  /** Whether a request for that host may come by it; `host` in the form of `RequestHead.host`. */
  admitsHost(host: string): boolean {
    if (this.#names === undefined || host === this.#lastHost) return true;
    if (!this.#names.covers(host)) return false;
    this.#lastHost = host;
    return true;
  }

  /** Read when it is first asked for; `undefined`: the client proved nothing. */
  get clientCertificate(): ClientCertificate | undefined {
    const socket = this.#socket;
    if (socket === undefined) return this.#certificate;
    this.#socket = undefined;
    const certificate = socket.getPeerX509Certificate();
    if (certificate) this.#certificate = readClientCertificate(certificate);
    return this.#certificate;
  }
}
