import type { LimitsConfig } from '../config/schema/limits.ts';
import { defaultWireLimits, type WireLimits } from './http1/limits.ts';

/** Limits towards clients and pools. Those towards an endpoint belong to its service. */
export interface GatewayLimits {
  readonly wire: WireLimits;
  /** A kept-alive connection without a request. */
  readonly idleMs: number;
  /** From the first byte of a head to its last, however slowly; a new connection without a byte. */
  readonly headMs: number;
  /** Between two reads of a request body. */
  readonly bodyIdleMs: number;
  /**
   * What a request body must bring in each `bodyIdleMs` until its response begins, so that
   * a client that drips does not hold an upstream connection for ever. After that, a body
   * may be a stream that has little to say.
   */
  readonly bodyLeastBytes: number;
  /** A client that takes none of the response. */
  readonly writeStallMs: number;
  /** After a client closed its sending side: how long a response may make no progress. */
  readonly halfCloseMs: number;
  /**
   * How long a connection without a request may still bring one when clients are let go: it
   * may be on its way, and a close that it meets loses it. The answer then closes.
   */
  readonly dismissMs: number;
  /** How long input is discarded after a final answer, so that the client can read it. */
  readonly lingerMs: number;
  /** How much of it. */
  readonly lingerBytes: number;
  readonly tlsHandshakeMs: number;
  /** How many begin in one turn of the event loop; others wait for the next. */
  readonly handshakesPerTurn: number;
  /** Of one thread, of all kinds; these three are by default derived from the open-file limit. */
  readonly connections: number;
  /** Of them those accepted from clients. */
  readonly clientConnections: number;
  /** And those accepted from other regions. */
  readonly linkConnections: number;
  /** Below the 5 s after which Node's own server closes idle connections. */
  readonly upstreamIdleMs: number;
  /** HTTP/2 says GOAWAY where HTTP/1.1 just closes: nothing is lost by waiting longer. */
  readonly http2IdleMs: number;
  /** Links end at a gateway that waits for `idleMs`. */
  readonly linkIdleMs: number;
  /** Connections of one gateway thread to one endpoint or region. */
  readonly upstreamConnections: number;
  /** Requests at a time on one HTTP/2 connection. */
  readonly streams: number;
  /** Policies that wait for something, per phase. */
  readonly policyMs: number;
  /** How long `close` waits for requests in flight. */
  readonly closeMs: number;
}

/** Those that a configuration sets. */
export function configuredLimits(limits: LimitsConfig): Partial<GatewayLimits> {
  return {
    wire: {
      ...defaultWireLimits,
      requestLineBytes: limits.requestLine,
      headerCount: limits.fieldCount,
      headerBytes: limits.fieldBytes,
    },
    idleMs: limits.idleTimeout,
    headMs: limits.headTimeout,
    bodyIdleMs: limits.bodyTimeout,
    writeStallMs: limits.writeTimeout,
    streams: limits.streams,
  };
}

export const defaultGatewayLimits: GatewayLimits = {
  wire: defaultWireLimits,
  idleMs: 75_000,
  headMs: 10_000,
  bodyIdleMs: 30_000,
  bodyLeastBytes: 4_096,
  writeStallMs: 60_000,
  halfCloseMs: 1_000,
  dismissMs: 1_000,
  lingerMs: 2_000,
  lingerBytes: 1024 * 1024,
  tlsHandshakeMs: 10_000,
  handshakesPerTurn: 2,
  connections: 768,
  clientConnections: 672,
  linkConnections: 38,
  upstreamIdleMs: 4_000,
  http2IdleMs: 60_000,
  linkIdleMs: 60_000,
  upstreamConnections: 1_024,
  streams: 100,
  policyMs: 10_000,
  closeMs: 5_000,
};
