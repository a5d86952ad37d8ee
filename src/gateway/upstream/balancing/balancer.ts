import type { EndpointInfo } from '../../../config/topology.ts';

/** What of a request may decide where it goes. An exchange satisfies it. */
export interface BalanceKey {
  /** Of the client, not of a gateway that relayed. */
  readonly clientAddress: string;
  /** Of the request as received: name, value, name, value … */
  readonly fields: readonly string[];
  /** With its `?`, or ''. */
  readonly query: string;
  /** Whether the client's request came over TLS. */
  readonly secure: boolean;
}

/** What all threads of the node know of endpoints, by `EndpointInfo.index`. */
export interface EndpointLoads {
  /** Requests under way there, of all threads. */
  inFlight(endpoint: number): number;
  /** Peak EWMA, decayed to this moment; 0: not known. */
  latencyMs(endpoint: number): number;
  /** Takes no requests for now. */
  ejected(endpoint: number): boolean;
  /** Since its last ejection ended; `Infinity`: it had none. */
  admittedForMs(endpoint: number): number;
}

/** Chooses among endpoints of one service. Those of weight 0 take no requests. */
export interface Balancer {
  /**
   * The next endpoint that is not ejected (unless `anyState`) and not in `tried` (indices);
   * `undefined`: there is none.
   */
  next(
    request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined;
}

export function isCandidate(
  endpoint: number,
  loads: EndpointLoads,
  tried: readonly number[],
  anyState: boolean,
): boolean {
  if (!anyState && loads.ejected(endpoint)) return false;
  return tried.length === 0 || !tried.includes(endpoint);
}
