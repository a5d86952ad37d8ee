import { connect } from 'node:net';

/**
 * Whether a server at that address sends its greeting (`INFO …`) within `timeoutMs`. A
 * frozen server accepts connections (the kernel does) and says nothing; the client
 * library would leave such a socket behind with each attempt, and wake it later. So a
 * socket of our own looks first and is always destroyed.
 *
 * @throws {Error} with what went wrong, naming no more than the address.
 */
export function awaitGreeting(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const settle = (error?: Error) => {
      clearTimeout(timer);
      socket.destroy();
      if (error) reject(error);
      else resolve();
    };
    const timer = setTimeout(
      () => settle(new Error(`no answer from ${host}:${port} within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once('data', (bytes) => {
      if (bytes.subarray(0, 5).toString('latin1').toUpperCase() === 'INFO ') settle();
      else settle(new Error(`${host}:${port} does not speak the NATS protocol`));
    });
    socket.on('error', settle);
    socket.once('close', () => settle(new Error(`${host}:${port} closed the connection`)));
  });
}
