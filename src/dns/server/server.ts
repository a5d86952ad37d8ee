import { type Clock, systemClock } from '../../base/clock.ts';
import { codeOf, messageOf } from '../../base/errors.ts';
import type { DnsMetrics } from '../../observability/dns-metrics.ts';
import { DnsError } from '../errors.ts';
import { compileDnsData, type DnsDataOptions } from './data.ts';
import { Responder, type Transport } from './responder.ts';
import { defaultTcpLimits, type TcpLimits, TcpListener } from './tcp.ts';
import { UdpListener } from './udp.ts';

export interface DnsServerOptions extends DnsDataOptions {
  readonly host: string;
  /** UDP and TCP; 0 for any port that is free for both. */
  readonly port: number;
  /** Share the port with other threads of this node. */
  readonly reusePort: boolean;
  readonly metrics: DnsMetrics;
  /** Told of an error of ours that made an answer SERVFAIL. Default: nobody is. */
  readonly onFault?: (error: unknown) => void;
  readonly tcp?: TcpLimits;
  readonly clock?: Clock;
}

export interface DnsServer {
  readonly port: number;
  /**
   * Answers from another configuration from now on; sockets and connections stay. Throws
   * `bad_zone` and goes on with the old one when it cannot be compiled.
   */
  update(data: DnsDataOptions): void;
  /** Ends connections and frees the port. Idempotent. */
  close(): Promise<void>;
}

/** With port 0: how often another port is tried when TCP's is taken for UDP. */
const portAttempts = 20;

/**
 * Compiles the zones and answers on UDP and TCP. Rejects with `bad_zone`, `address_in_use`
 * (which names the address) or `listen_failed`.
 */
export async function createDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { onFault } = options;
  const responder = new Responder(compileDnsData(options), onFault ? { onFault } : {});
  const { tcp, udp } = await openListeners(options, responder);
  const { port } = tcp;
  let closing: Promise<unknown> | undefined;
  return {
    port,
    update: (data) => responder.replace(compileDnsData(data)),
    close: async () => {
      closing ??= Promise.all([tcp.close(), udp.close()]);
      await closing;
    },
  };
}

interface Listeners {
  readonly tcp: TcpListener;
  readonly udp: UdpListener;
}

/** TCP first: its port, when the system chooses it, must be free for UDP too. */
async function openListeners(options: DnsServerOptions, responder: Responder): Promise<Listeners> {
  const { host, reusePort, metrics, clock = systemClock } = options;
  const limits = options.tcp ?? defaultTcpLimits;
  const count = (transport: Transport) => (durationMs: number) =>
    metrics.query(transport, responder.type, responder.rcode, durationMs);
  for (let attempt = 1; ; attempt++) {
    const shared = { host, reusePort, responder, clock };
    const tcp = await TcpListener.open({
      ...shared,
      port: options.port,
      onAnswered: count('tcp'),
      limits,
    }).catch((error: unknown) => {
      throw listenError(error, 'TCP', options);
    });
    try {
      const udp = await UdpListener.open({ ...shared, port: tcp.port, onAnswered: count('udp') });
      return { tcp, udp };
    } catch (error) {
      await tcp.close();
      const retry = options.port === 0 && codeOf(error) === 'EADDRINUSE';
      if (!retry || attempt === portAttempts) throw listenError(error, 'UDP', options);
    }
  }
}

function listenError(error: unknown, transport: string, options: DnsServerOptions): DnsError {
  const address = `${options.host}:${options.port} (${transport})`;
  if (codeOf(error) === 'EADDRINUSE') {
    return new DnsError('address_in_use', `DNS cannot listen on ${address}: it is in use`, {
      cause: error,
      details: { host: options.host, port: options.port, transport },
    });
  }
  const message = `DNS cannot listen on ${address}: ${messageOf(error)}`;
  return new DnsError('listen_failed', message, { cause: error });
}
