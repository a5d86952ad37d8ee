import { type Clock, systemClock } from '../../base/clock.ts';
import { inSlices } from '../../base/steps.ts';
import type { DnsMetrics } from '../../observability/dns-metrics.ts';
import { compileDnsData, compileDnsDataInSteps, type DnsDataOptions } from './data.ts';
import { type ListenAddress, type ListenerOptions, Listeners } from './listeners.ts';
import { Responder } from './responder.ts';
import { defaultTcpLimits, type TcpLimits } from './tcp.ts';

export interface DnsServerOptions extends DnsDataOptions, ListenAddress {
  /** Share the port with other threads of this node. */
  readonly reusePort: boolean;
  readonly metrics: DnsMetrics;
  /** Told of an error of ours that made an answer SERVFAIL. Default: nobody is. */
  readonly onFault?: (error: unknown) => void;
  readonly tcp?: TcpLimits;
  /** What threads that answer together count in (`RateTable.buffer`); default: one of its own. */
  readonly rateTable?: SharedArrayBuffer;
  readonly clock?: Clock;
}

export interface DnsServer {
  readonly port: number;
  /**
   * Makes everything of another configuration that can fail: compiles the zones, and binds
   * the address if it is another one. Rejects with `bad_zone`, `address_in_use` or
   * `listen_failed`; the server goes on as before then, as it does until the commit. A
   * later call abandons what an earlier one prepared and nobody committed.
   */
  prepare(next: DnsDataOptions & ListenAddress): Promise<PreparedDns>;
  /** Ends connections and frees the port. Idempotent. */
  close(): Promise<void>;
}

/** One use: after `commit` or `abandon` both do nothing. */
export interface PreparedDns {
  /** Answers from the new configuration from now on. Sockets of an address that stays stay. */
  commit(): void;
  /** Frees what was bound for it. */
  abandon(): void;
}

const overtaken: PreparedDns = { commit() {}, abandon() {} };

/** How long queries wait for a part of the next zones, at most. */
const sliceMs = 0.25;

/**
 * Compiles the zones and answers on UDP and TCP. Rejects with `bad_zone`, `address_in_use`
 * (which names the address) or `listen_failed`.
 */
export async function createDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { onFault, tcp: limits = defaultTcpLimits, clock = systemClock } = options;
  const { rateTable } = options;
  const responder = new Responder(compileDnsData(options), {
    clock,
    ...(onFault && { onFault }),
    ...(rateTable && { rateTable }),
  });
  const { reusePort, metrics } = options;
  const sockets = { reusePort, responder, metrics, limits, clock };
  return new TwoPhaseServer(await Listeners.open(options, sockets), sockets);
}

/**
 *              prepare                    commit
 *   serving A ─────────▶ serving A, and  ─────────▶ serving B; sockets of A, where the
 *       ▲                B is bound                 address is another one, take nothing
 *       └─────────────────────┘                     new and end when they are done
 *               abandon, or a failure
 *
 * Sockets of B answer (from A) as soon as they are bound: a port that is shared gets queries
 * from then on.
 */
class TwoPhaseServer implements DnsServer {
  readonly #sockets: ListenerOptions;
  #current: Listeners;
  readonly #retiring = new Set<Listeners>();
  #prepared: PreparedDns | undefined;
  /** Calls of `prepare`: only the last has a say. */
  #turn = 0;
  #closing: Promise<unknown> | undefined;

  constructor(current: Listeners, sockets: ListenerOptions) {
    this.#current = current;
    this.#sockets = sockets;
  }

  get port(): number {
    return this.#current.port;
  }

  async prepare(next: DnsDataOptions & ListenAddress): Promise<PreparedDns> {
    this.#prepared?.abandon();
    const turn = ++this.#turn;
    const data = await inSlices(compileDnsDataInSteps(next), sliceMs);
    if (turn !== this.#turn) return overtaken;
    const stays = this.#current.serves(next);
    const listeners = stays ? undefined : await Listeners.open(next, this.#sockets);
    let open = true;
    const once = (act: () => void) => () => {
      if (!open) return;
      open = false;
      act();
    };
    const prepared = {
      commit: once(() => {
        this.#sockets.responder.replace(data);
        if (listeners) this.#moveTo(listeners);
      }),
      abandon: once(() => void listeners?.close()),
    };
    // Another call, or the end, may have come meanwhile.
    if (turn === this.#turn) this.#prepared = prepared;
    if (turn !== this.#turn || this.#closing) prepared.abandon();
    return prepared;
  }

  async close(): Promise<void> {
    this.#prepared?.abandon();
    const all = [this.#current, ...this.#retiring];
    this.#closing ??= Promise.all(all.map((listeners) => listeners.close()));
    await this.#closing;
  }

  #moveTo(listeners: Listeners): void {
    const left = this.#current;
    this.#current = listeners;
    this.#retiring.add(left);
    void left.retire().then(() => this.#retiring.delete(left));
  }
}
