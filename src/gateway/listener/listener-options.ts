import type { LinkIdentity } from '../../link/identity.ts';
import type { TlsSettings } from './tls-settings.ts';

/** Where to listen. Port 0: any free one. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Every request is sent on to the same place over TLS. */
export interface HttpsRedirect {
  /** The one in the new address; 443 is left out. */
  readonly port: number;
}

/** What one listener is asked to be: over TLS, of the link, or in clear. */
export interface ListenerOptions extends ListenAddress {
  readonly tls?: TlsSettings;
  /** The listener of the inter-region link. */
  readonly identity?: LinkIdentity;
  /** Over TLS: whether HTTP/2 is offered (ALPN). In clear: whether it is taken by prior knowledge. */
  readonly http2?: boolean;
  readonly redirect?: HttpsRedirect;
  /**
   * Networks (CIDR) of the proxies before it, which tell each client's address by PROXY protocol
   * version 2. Nobody else may connect.
   */
  readonly proxies?: readonly string[];
}

/** By name. */
export type ListenOptions = Readonly<Record<string, ListenerOptions>>;

/** With its name. */
export interface ListenerRequest extends ListenerOptions {
  readonly name: string;
}
