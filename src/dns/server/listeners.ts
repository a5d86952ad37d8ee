import type { Clock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { DnsMetrics } from '../../observability/dns-metrics.ts';
import { DnsError } from '../errors.ts';
import type { TcpLimits } from './connections.ts';
import type { Transport } from './query-origin.ts';
import type { Responder } from './responder.ts';
import { TcpListener } from './tcp.ts';
import { type OnAnswered, UdpListener } from './udp.ts';

export interface ListenAddress {
  readonly host: string;
  /** UDP and TCP; 0 for any port that is free for both. */
  readonly port: number;
}

export interface ListenerOptions {
  /** Share the port with other threads of this node. */
  readonly reusePort: boolean;
  readonly responder: Responder;
  readonly metrics: DnsMetrics;
  /** As they are now. */
  readonly limits: () => TcpLimits;
  readonly clock: Clock;
}

/** With port 0: how often another port is tried when TCP's is taken for UDP. */
const portAttempts = 20;

/** The sockets of one address: UDP and TCP on the same port. */
export class Listeners {
  readonly port: number;
  readonly #asked: ListenAddress;
  readonly #tcp: TcpListener;
  readonly #udp: UdpListener;
  #closing: Promise<unknown> | undefined;

  private constructor(asked: ListenAddress, tcp: TcpListener, udp: UdpListener) {
    this.#asked = asked;
    this.#tcp = tcp;
    this.#udp = udp;
    this.port = tcp.port;
  }

  /**
   * Bound and answering. TCP comes first: its port, when the system chooses it, must be free
   * for UDP too. Rejects with `address_in_use` (which names the address) or `listen_failed`.
   */
  static async open(at: ListenAddress, options: ListenerOptions): Promise<Listeners> {
    const { reusePort, responder, metrics, limits, clock } = options;
    const shared = { host: at.host, reusePort, responder, clock };
    for (let attempt = 1; ; attempt++) {
      const tcp = await TcpListener.open({
        ...shared,
        port: at.port,
        onAnswered: onAnsweredOver('tcp', responder, metrics),
        limits,
      }).catch((error: unknown) => {
        throw listenError(error, 'TCP', at);
      });
      try {
        const udp = await UdpListener.open({
          ...shared,
          port: tcp.port,
          onAnswered: onAnsweredOver('udp', responder, metrics),
          onDropped: () => countLimited(responder, metrics),
        });
        return new Listeners(at, tcp, udp);
      } catch (error) {
        await tcp.close();
        const retry = at.port === 0 && codeOf(error) === 'EADDRINUSE';
        if (!retry || attempt === portAttempts) throw listenError(error, 'UDP', at);
      }
    }
  }

  /** Whether these are the sockets that listening at `at` would open. */
  serves({ host, port }: ListenAddress): boolean {
    return host === this.#asked.host && (port === this.#asked.port || port === this.port);
  }

  /**
   * Accepts nothing new, lets what is under way end, and frees the port. Resolves when the
   * last connection is gone, after a few seconds at most.
   */
  retire(): Promise<unknown> {
    this.#closing ??= Promise.all([this.#tcp.retire(), this.#udp.close()]);
    return this.#closing;
  }

  /** Ends connections at once and frees the port. Idempotent. */
  async close(): Promise<void> {
    await Promise.all([this.#tcp.close(), this.#closing ?? this.#udp.close()]);
  }
}

/** Counts what the responder has just answered. */
export function onAnsweredOver(
  transport: Transport,
  responder: Responder,
  metrics: DnsMetrics,
): OnAnswered {
  return (durationMs) => {
    const { type, rcode, cookieVerdict } = responder;
    metrics.query(transport, type, rcode, durationMs);
    if (cookieVerdict !== undefined) metrics.cookie(cookieVerdict);
    countLimited(responder, metrics);
  };
}

function countLimited({ rateVerdict, kind }: Responder, metrics: DnsMetrics): void {
  if (rateVerdict !== 'send') metrics.limited(rateVerdict, kind);
}

export function listenError(
  error: unknown,
  transport: string,
  { host, port }: ListenAddress,
): DnsError {
  const address = `${host}:${port} (${transport})`;
  if (codeOf(error) === 'EADDRINUSE') {
    return new DnsError('address_in_use', `DNS cannot listen on ${address}: it is in use`, {
      cause: error,
      details: { host, port, transport },
    });
  }
  const message = `DNS cannot listen on ${address}: ${messageOf(error)}`;
  return new DnsError('listen_failed', message, { cause: error });
}
