import { connect as connectTcp, type OnReadOpts, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { type LinkIdentity, linkClientOptions } from '../../link/identity.ts';

/** Opens connections to one endpoint, or to the link port of one region. */
export interface Dialler {
  /** The event of the socket after which it may carry requests. */
  readonly readyEvent: 'connect' | 'secureConnect';
  dial(onread: OnReadOpts): Socket;
}

/** Plain TCP to an endpoint. */
export function tcpDialler(host: string, port: number): Dialler {
  return {
    readyEvent: 'connect',
    dial: (onread) => connectTcp({ host, port, noDelay: true, allowHalfOpen: true, onread }),
  };
}

/**
 * Mutual TLS to the gateway of `region`, for relayed requests. The last session ticket
 * is offered again, which spares a full handshake after an idle connection was closed.
 */
export function linkDialler(
  identity: LinkIdentity,
  region: string,
  host: string,
  port: number,
): Dialler {
  const options = linkClientOptions(identity, region);
  let session: Buffer | undefined;
  return {
    readyEvent: 'secureConnect',
    dial(onread) {
      const all: ConnectionOptions & { onread: OnReadOpts; allowHalfOpen: boolean } = {
        ...options,
        host,
        port,
        allowHalfOpen: true,
        onread,
        ...(session ? { session } : {}),
      };
      const socket = connectTls(all);
      socket.setNoDelay(true);
      socket.on('session', (ticket) => {
        session = ticket;
      });
      return socket;
    },
  };
}
