import type { Socket } from 'node:net';
import {
  createServer,
  type SecureContext,
  type Server,
  type TLSSocket,
  type TlsOptions,
} from 'node:tls';
import { type LinkIdentity, linkServerOptions } from '../../link/identity.ts';
import type { Arrival } from './arrival.ts';
import { type CertificateBundle, CertificateBundles } from './certificate-bundles.ts';
import { assertUsable } from './certificates.ts';
import { sessionContext, sessionLifetime, ticketKeys } from './session-keys.ts';
import { TlsChannel } from './tls-channel.ts';
import { tlsPolicy } from './tls-policy.ts';
import type { TlsSettings } from './tls-settings.ts';

export interface TerminatorOptions {
  /** Of the listener. */
  readonly name: string;
  /** For messages: `https on 127.0.0.1:8443`. */
  readonly whose: string;
  readonly handshakeMs: number;
  /** Whether HTTP/2 is offered (ALPN). */
  readonly http2: boolean;
  /** That of the node; `undefined`: sessions are resumed by this thread only. */
  readonly sessionSecret: Uint8Array | undefined;
  /** `channel` is `undefined` where nothing depends on it. */
  onSecure(socket: TLSSocket, arrival: Arrival, channel: TlsChannel | undefined): void;
  /** A handshake failed, or came too late. */
  onRefused(): void;
}

/**
 * Makes TLS connections of sockets, by a TLS server that listens nowhere. A swap puts a new one
 * in the place of the old one; connections of the old one live on.
 */
export class TlsTerminator {
  /** Whether `Arrival.serverName` is needed. */
  readonly readsServerName: boolean;
  readonly #options: TerminatorOptions;
  readonly #server: Server;
  readonly #sessionContext: string;
  /** A TLS socket does not tell which socket it wraps; their addresses do. */
  readonly #arrivals = new Map<string, Arrival>();

  /** @throws MeridianError `certificate_invalid` */
  constructor(of: TlsSettings | LinkIdentity, options: TerminatorOptions) {
    const settings = 'certificates' in of ? of : {};
    this.#options = options;
    this.#sessionContext = sessionContext(options.name, settings);
    const common: TlsOptions = {
      handshakeTimeout: options.handshakeMs,
      sessionIdContext: this.#sessionContext,
      sessionTimeout: sessionLifetime(settings),
      ...(options.sessionSecret && {
        ticketKeys: ticketKeys(options.sessionSecret, this.#sessionContext),
      }),
    };
    if ('certificates' in of) {
      const names = new NamedCertificates(of, options.whose);
      this.readsServerName = names.byName && of.policy !== 'modern';
      this.#server = this.#httpsServer(of, names, common);
    } else {
      this.readsServerName = false;
      this.#server = this.#linkServer(of, common);
    }
    this.#server.on('tlsClientError', (_error, socket) => this.#refuse(socket));
  }

  /** Begins the handshake. What the socket has read already counts. */
  take(arrival: Arrival): void {
    const { socket } = arrival;
    const addresses = addressesOf(socket);
    this.#arrivals.set(addresses, arrival);
    socket.on('close', () => {
      if (this.#arrivals.get(addresses) === arrival) this.#arrivals.delete(addresses);
    });
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
  }

  /** From now on tickets are sealed with keys of this secret, and no others are taken. */
  useSessionSecret(secret: Uint8Array): void {
    this.#server.setTicketKeys(ticketKeys(secret, this.#sessionContext));
  }

  #linkServer(identity: LinkIdentity, common: TlsOptions): Server {
    assertUsable(identity, this.#options.whose);
    const server = createServer({ ...linkServerOptions(identity), ...common });
    server.on('secureConnection', (socket) => this.#secured(socket, undefined));
    return server;
  }

  /**
   * The server's own context decides about version, ciphers and whether a session is resumed,
   * before a name does; a name only brings its certificates. Where unknown names are refused
   * the server has no certificate itself, and a handshake that finds none ends with an alert.
   */
  #httpsServer(settings: TlsSettings, names: NamedCertificates, common: TlsOptions): Server {
    const { clients, policy = 'intermediate' } = settings;
    const shared = { ...tlsPolicy(policy), ...(clients && { ca: clients.ca }) };
    // Of all contexts the same: else a session made with a name could never be resumed.
    const perName = { ...shared, sessionIdContext: this.#sessionContext };
    const server = createServer({
      ...common,
      ...shared,
      ...names.unnamed?.options(),
      ...(names.byName && {
        SNICallback: (name: string, done: NameFound) =>
          done(null, names.find(name)?.context(perName)),
      }),
      ...(clients && { requestCert: true, rejectUnauthorized: clients.mode === 'require' }),
      ALPNProtocols: this.#options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    });
    const asked = clients !== undefined;
    const binds = names.byName || asked;
    server.on('secureConnection', (socket) => {
      // A session that is resumed shows no certificate, so its name has not been looked at yet.
      const bundle = names.of(socket, this.#arrivals.get(addressesOf(socket)));
      if (!bundle) this.#refuse(socket);
      else this.#secured(socket, binds ? new TlsChannel(socket, bundle.names, asked) : undefined);
    });
    return server;
  }

  #secured(socket: TLSSocket, channel: TlsChannel | undefined): void {
    const arrival = this.#arrivals.get(addressesOf(socket));
    if (!arrival) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    this.#options.onSecure(socket, arrival, channel);
  }

  /** `node:tls` only tells; nobody else would close the socket. */
  #refuse(socket: TLSSocket): void {
    socket.destroy();
    this.#options.onRefused();
  }
}

type NameFound = (error: Error | null, context?: SecureContext) => void;

/** Which certificates a connection gets, by the name that it asks for. */
class NamedCertificates {
  /** Whether the name makes a difference. */
  readonly byName: boolean;
  /** For whoever names nobody, or somebody unknown; `undefined`: those are refused. */
  readonly unnamed: CertificateBundle | undefined;
  readonly #bundles: CertificateBundles;

  constructor(settings: TlsSettings, whose: string) {
    const refuses = settings.unknownNames === 'refuse';
    this.#bundles = new CertificateBundles(settings, whose);
    this.byName = refuses || this.#bundles.all.length > 1;
    this.unnamed = refuses ? undefined : this.#bundles.default;
  }

  find(name: string | undefined): CertificateBundle | undefined {
    return this.#bundles.byName.find(name ?? false);
  }

  of(socket: TLSSocket, arrival: Arrival | undefined): CertificateBundle | undefined {
    if (!this.byName) return this.unnamed;
    // In TLS 1.2 a resumed session has lost it (`SSL_get_servername` of OpenSSL).
    const lost = socket.isSessionReused() && socket.getProtocol() === 'TLSv1.2';
    const told = lost ? arrival?.serverName : socket.servername;
    return this.find(told || undefined) ?? this.unnamed;
  }
}

/** Tells the open sockets of one port apart. */
function addressesOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}
