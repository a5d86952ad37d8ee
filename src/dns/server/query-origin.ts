export type Transport = 'udp' | 'tcp' | 'tls';

/** How a query came, and from where. A listener or a connection fills the same one again and again. */
export class QueryOrigin {
  readonly transport: Transport;
  /** As the kernel writes it. */
  address: string;
  /** For how long the connection may be idle now, to be told to the client; 0 over UDP. */
  idleMs = 0;
  /** Monotonic time at which it came. */
  receivedMs = 0;

  constructor(transport: Transport, address = '') {
    this.transport = transport;
    this.address = address;
  }
}
