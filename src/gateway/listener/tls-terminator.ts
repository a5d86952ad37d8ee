import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { type LinkIdentity, linkServerOptions } from '../../link/identity.ts';
import type { Arrival } from './arrival.ts';
import { type CertificateBundle, CertificateBundles } from './certificate-bundles.ts';
import { assertUsable } from './certificates.ts';
import { sessionContext, sessionLifetime, ticketKeys } from './session-keys.ts';
import { TlsChannel } from './tls-channel.ts';
import { tlsPolicy } from './tls-policy.ts';
import type { ClientAuthentication, TlsSettings } from './tls-settings.ts';

export interface TerminatorOptions {
  /** Of the listener. */
  readonly name: string;
  /** For messages: `https on 127.0.0.1:8443`. */
  readonly whose: string;
  readonly handshakeMs: number;
  /** Whether HTTP/2 is offered (ALPN). */
  readonly http2: boolean;
  /** Of the node, now; `undefined`: sessions are resumed by this thread only. */
  sessionSecret(): Uint8Array | undefined;
  /** `channel` is `undefined` where nothing depends on it. */
  onSecure(socket: TLSSocket, arrival: Arrival, channel: TlsChannel | undefined): void;
  /** A handshake failed, came too late, or was for an unknown name. */
  onRefused(): void;
}

/** Fatal, `unrecognized_name` (RFC 8446 section 6.2), in a record of its own. */
const unrecognizedName = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x70]);

/**
 * Makes TLS connections of sockets, by TLS servers that listen nowhere: one for each set of
 * certificates that is chosen by a name, with all of it in its own context.
 *
 *   ClientHello ── name ──▶ shop.example.com ──▶ server, certificates, session keys, names
 *                      ├──▶ *.example.com    ──▶ server, …
 *                      └──▶ none of them     ──▶ the default, or an alert
 *
 * So what a connection may ask for follows from the certificate that it was shown, whatever it
 * sent as a name, also when it resumed a session. (The choice of a context during a handshake, as
 * Node offers it, takes one certificate of the context only, is not asked when a session is
 * resumed, and then has no name in TLS 1.2.)
 *
 * A swap puts a new one in the place of the old one; connections of the old one live on.
 */
export class TlsTerminator {
  /** Whether `Arrival.serverName` decides. */
  readonly readsServerName: boolean;
  readonly #options: TerminatorOptions;
  /** `undefined`: there is none for this name. */
  readonly #serverFor: (name: string | undefined) => Handshakes | undefined;
  readonly #servers: Handshakes[] = [];
  /** A TLS socket does not tell which socket it wraps; their addresses do. */
  readonly #arrivals = new Map<string, Arrival>();

  /** @throws MeridianError `certificate_invalid` */
  constructor(of: TlsSettings | LinkIdentity, options: TerminatorOptions) {
    this.#options = options;
    if ('certificates' in of) {
      const bundles = new CertificateBundles(of, options.whose);
      this.readsServerName = of.unknownNames === 'refuse' || bundles.all.length > 1;
      this.#serverFor = this.#byName(of, bundles, this.readsServerName);
    } else {
      assertUsable(of, options.whose);
      this.readsServerName = false;
      const only = this.#create('', {}, linkServerOptions(of), undefined);
      this.#serverFor = () => only;
    }
  }

  /** Begins the handshake. What the socket has read already counts. */
  take(arrival: Arrival): void {
    const { socket, serverName } = arrival;
    const server = this.#serverFor(serverName);
    if (!server) {
      socket.end(unrecognizedName, () => socket.destroy());
      this.#options.onRefused();
      return;
    }
    const addresses = addressesOf(socket);
    this.#arrivals.set(addresses, arrival);
    socket.on('close', () => {
      if (this.#arrivals.get(addresses) === arrival) this.#arrivals.delete(addresses);
    });
    socket.allowHalfOpen = false;
    server.begin(socket);
  }

  /** From now on tickets are sealed with keys of the present secret, and no others are taken. */
  useSessionSecret(): void {
    const secret = this.#options.sessionSecret();
    if (secret) for (const server of this.#servers) server.useSessionSecret(secret);
  }

  #byName(
    settings: TlsSettings,
    bundles: CertificateBundles,
    byName: boolean,
  ): (name: string | undefined) => Handshakes | undefined {
    const { clients, policy = 'intermediate', unknownNames = 'serve' } = settings;
    const shared: TlsOptions = {
      ...tlsPolicy(policy),
      ...(clients && { ca: clients.ca, requestCert: true }),
      ...(clients && { rejectUnauthorized: clients.mode === 'require' }),
      ALPNProtocols: this.#options.http2 ? ['h2', 'http/1.1'] : ['http/1.1'],
    };
    const servers = new Map<CertificateBundle, Handshakes>();
    const unnamed = unknownNames === 'refuse' ? undefined : bundles.default;
    return (name) => {
      const bundle = bundles.byName.find(name) ?? unnamed;
      if (!bundle) return undefined;
      const known = servers.get(bundle);
      if (known) return known;
      const binds = byName || clients ? { names: bundle.names, asks: clients?.mode } : undefined;
      const options = { ...shared, ...bundle.options() };
      const server = this.#create(byName ? bundle.names.key : '', settings, options, binds);
      servers.set(bundle, server);
      return server;
    };
  }

  /** `names`: whose sessions it resumes, where that matters. */
  #create(
    names: string,
    settings: Pick<TlsSettings, 'policy' | 'clients'>,
    options: TlsOptions,
    binds: Binding | undefined,
  ): Handshakes {
    const { name, handshakeMs, sessionSecret } = this.#options;
    const context = sessionContext(name, names, settings);
    const secret = sessionSecret();
    const server = createServer({
      ...options,
      handshakeTimeout: handshakeMs,
      sessionIdContext: context,
      sessionTimeout: sessionLifetime(settings),
      ...(secret && { ticketKeys: ticketKeys(secret, context) }),
    });
    server.on('secureConnection', (socket) => this.#secured(socket, binds));
    // `node:tls` only tells; nobody else would close the socket.
    server.on('tlsClientError', (_error, socket) => this.#refuse(socket));
    const handshakes = new Handshakes(server, context);
    this.#servers.push(handshakes);
    return handshakes;
  }

  #refuse(socket: TLSSocket): void {
    socket.destroy();
    this.#options.onRefused();
  }

  #secured(socket: TLSSocket, binds: Binding | undefined): void {
    const arrival = this.#arrivals.get(addressesOf(socket));
    if (!arrival) {
      socket.destroy();
      return;
    }
    if (binds?.asks && !isProved(socket, binds.asks)) {
      this.#refuse(socket);
      return;
    }
    socket.allowHalfOpen = true;
    const channel = binds && new TlsChannel(socket, binds.names, binds.asks !== undefined);
    this.#options.onSecure(socket, arrival, channel);
  }
}

/** What connections of one TLS server are held to. */
interface Binding extends Pick<CertificateBundle, 'names'> {
  /** `undefined`: for no certificate. */
  readonly asks: ClientAuthentication['mode'] | undefined;
}

/**
 * A certificate that does not hold is refused also where none is required. `authorized` alone
 * does not say that there is one: Node sets it too for a session that was resumed without.
 */
function isProved(socket: TLSSocket, asks: ClientAuthentication['mode']): boolean {
  return socket.getPeerX509Certificate() ? socket.authorized : asks === 'request';
}

/** A TLS server with the context that its sessions belong to. */
class Handshakes {
  readonly #server: Server;
  readonly #context: string;

  constructor(server: Server, context: string) {
    this.#server = server;
    this.#context = context;
  }

  begin(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  useSessionSecret(secret: Uint8Array): void {
    this.#server.setTicketKeys(ticketKeys(secret, this.#context));
  }
}

/** Tells the open sockets of one port apart. */
function addressesOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}
