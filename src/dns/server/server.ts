import { type Clock, systemClock } from '../../base/clock.ts';
import type { DnsMetrics } from '../../observability/dns-metrics.ts';
import type { AppliedShift } from '../../steering/shifts/applied.ts';
import { askResolver } from '../outside/ask-resolver.ts';
import { OutsideNames } from '../outside/outside-names.ts';
import type { TcpLimits } from './connections.ts';
import { compileDnsData, type DnsDataOptions } from './data.ts';
import type { OnNotify } from './notifications.ts';
import { Responder } from './responder.ts';
import { type ListenAddresses, type PreparedDns, TwoPhaseServer } from './two-phase-server.ts';

export type { DotAddress } from './dot-listener.ts';
export type { DnsTls } from './tls-contexts.ts';
export type { PreparedDns } from './two-phase-server.ts';

export interface DnsServerOptions extends DnsDataOptions, ListenAddresses {
  /** Share the port with other threads of this node. */
  readonly reusePort: boolean;
  readonly metrics: DnsMetrics;
  /** Told of an error of ours that made an answer SERVFAIL. Default: nobody is. */
  readonly onFault?: (error: unknown) => void;
  /** Told that a zone has changed at its primary (RFC 1996). Default: nobody is. */
  readonly onNotify?: OnNotify;
  /** Names outside of the zones; closed with the server. Default: such as a resolver is asked for. */
  readonly outside?: OutsideNames;
  /** In the place of those of the configuration. */
  readonly tcp?: TcpLimits;
  /** What threads that answer together count in (`RateTable.buffer`); default: one of its own. */
  readonly rateTable?: SharedArrayBuffer;
  readonly clock?: Clock;
}

export interface DnsServer {
  readonly port: number;
  /** Of DNS over TLS. */
  readonly dotPort: number | undefined;
  /**
   * Makes everything of another configuration that can fail: compiles the zones, and binds
   * the address if it is another one. Rejects with `bad_zone`, `address_in_use` or
   * `listen_failed`; the server goes on as before then, as it does until the commit. A
   * later call abandons what an earlier one prepared and nobody committed.
   */
  prepare(next: DnsDataOptions & ListenAddresses): Promise<PreparedDns>;
  /** 48 octets: sessions over TLS are resumed by these from now on, and by no others. */
  useTicketKeys(keys: Uint8Array): void;
  /** Shifts of traffic that are in force from now on, over every configuration that follows. */
  useShifts(shifts: readonly AppliedShift[]): void;
  /** Ends connections and frees the port. Idempotent. */
  close(): Promise<void>;
}

/**
 * Compiles the zones and answers on UDP, TCP and, where it is asked for, TLS. Rejects with
 * `bad_zone`, `address_in_use` (which names the address) or `listen_failed`.
 */
export async function createDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { onFault, onNotify, tcp, clock = systemClock } = options;
  const { rateTable } = options;
  const responder = new Responder(compileDnsData(options), {
    clock,
    ...(onFault && { onFault }),
    ...(onNotify && { onNotify }),
    ...(rateTable && { rateTable }),
    outside: options.outside ?? new OutsideNames(clock, askResolver),
  });
  const { reusePort, metrics } = options;
  const limits = () => tcp ?? responder.tcpLimits;
  return TwoPhaseServer.open(options, { reusePort, responder, metrics, limits, clock });
}
