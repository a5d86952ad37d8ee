import { connect as connectTcp, type LookupFunction, type OnReadOpts, type Socket } from 'node:net';
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
} from 'node:tls';
import { type LinkIdentity, linkClientOptions } from '../../link/identity.ts';
import { hearingLastWords } from './last-words.ts';

/** Opens connections to one endpoint, or to the link port of one region. */
export interface Dialler {
  /** The event of the socket after which it may carry requests. */
  readonly readyEvent: 'connect' | 'secureConnect';
  dial(onread: OnReadOpts): Socket;
}

/**
 * Plain TCP to an endpoint.
 *
 * @param lookup finds the addresses of `host` where it is a name
 */
export function tcpDialler(host: string, port: number, lookup: LookupFunction): Dialler {
  const options = { host, port, lookup, noDelay: true, allowHalfOpen: true };
  return {
    readyEvent: 'connect',
    dial: (onread) => hearingLastWords(connectTcp({ ...options, onread })),
  };
}

/** Mutual TLS to the gateway of `region`, for relayed requests. */
export function linkDialler(
  identity: LinkIdentity,
  region: string,
  host: string,
  port: number,
): Dialler {
  const options = linkClientOptions(identity, region);
  return tlsDialler(options, () => createSecureContext(options), host, port);
}

/**
 * TLS. The context is made once, which costs more than a handshake; the last session is
 * offered again, which spares most of one after an idle connection was closed.
 */
export function tlsDialler(
  options: ConnectionOptions,
  makeContext: () => SecureContext,
  host: string,
  port: number,
): Dialler {
  let secureContext: SecureContext | undefined;
  let session: Buffer | undefined;
  return {
    readyEvent: 'secureConnect',
    dial(onread) {
      secureContext ??= makeContext();
      const all: ConnectionOptions & { onread: OnReadOpts; allowHalfOpen: boolean } = {
        ...options,
        host,
        port,
        allowHalfOpen: true,
        secureContext,
        onread,
        ...(session ? { session } : {}),
      };
      const socket = hearingLastWords(connectTls(all));
      socket.setNoDelay(true);
      socket.on('session', (ticket) => {
        session = ticket;
      });
      return socket;
    },
  };
}

/** Codes of alerts with which a peer refuses a handshake; in TLS 1.3 they come after our side of it. */
const refusal =
  /^ERR_SSL_.*(BAD_CERTIFICATE|ALERT_CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE|UNRECOGNIZED_NAME)$/;

/** Whether an error of a socket says that the peer took nothing but the handshake, and refused that. */
export function isHandshakeRefusal(error: (Error & { code?: string }) | undefined): boolean {
  return error?.code !== undefined && refusal.test(error.code);
}
