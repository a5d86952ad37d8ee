import { messageOf } from '../../base/errors.ts';
import { DnsError } from '../errors.ts';
import {
  type ListenAddress,
  type ListenerOptions,
  listenError,
  onAnsweredOver,
} from './listeners.ts';
import { TcpListener } from './tcp.ts';
import { type DnsTls, TlsContexts } from './tls-contexts.ts';

/** Where DNS over TLS is spoken, and with what. */
export interface DotAddress extends ListenAddress {
  readonly tls: DnsTls;
}

/** DNS over TLS (RFC 7858) at one address. */
export class DotListener {
  readonly #asked: ListenAddress;
  readonly #tcp: TcpListener;

  private constructor(asked: ListenAddress, tcp: TcpListener) {
    this.#asked = asked;
    this.#tcp = tcp;
  }

  /** Rejects with `address_in_use` or `listen_failed`, also for certificates that cannot be used. */
  static async open(at: DotAddress, options: ListenerOptions): Promise<DotListener> {
    const tls = contextsOf(at);
    const { responder, metrics, ...shared } = options;
    const tcp = await TcpListener.open({
      ...shared,
      responder,
      host: at.host,
      port: at.port,
      tls,
      onAnswered: onAnsweredOver('tls', responder, metrics),
    }).catch((error: unknown) => {
      throw listenError(error, 'TLS', at);
    });
    return new DotListener(at, tcp);
  }

  get port(): number {
    return this.#tcp.port;
  }

  serves({ host, port }: ListenAddress): boolean {
    return host === this.#asked.host && (port === this.#asked.port || port === this.port);
  }

  /** Other certificates, checked now and shown when `commit` is called. Throws `listen_failed`. */
  prepare(at: DotAddress): { commit(): void } {
    const contexts = contextsOf(at);
    return { commit: () => this.#tcp.useTls(contexts) };
  }

  /** 48 octets: sessions are resumed by these from now on, and by no others. */
  useTicketKeys(keys: Uint8Array): void {
    this.#tcp.useTicketKeys(Buffer.from(keys));
  }

  retire(): Promise<unknown> {
    return this.#tcp.retire();
  }

  close(): Promise<unknown> {
    return this.#tcp.close();
  }
}

function contextsOf({ tls, host, port }: DotAddress): TlsContexts {
  try {
    return new TlsContexts(tls);
  } catch (cause) {
    const message = `DNS cannot speak TLS on ${host}:${port}: ${messageOf(cause)}`;
    throw new DnsError('listen_failed', message, { cause });
  }
}
