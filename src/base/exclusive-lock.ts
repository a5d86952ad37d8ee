import { createHash } from 'node:crypto';
import { createServer } from 'node:net';

/** A lock that the kernel releases when its process ends, however it ends. */
export interface ExclusiveLock {
  release(): Promise<void>;
}

/**
 * Takes the machine-wide lock `name`, or resolves to `undefined` when another process
 * holds it. It is a bound socket in Linux's abstract namespace (unix(7)), so a killed
 * holder leaves nothing stale behind and a frozen one still holds it. Names may have any
 * length; the socket's (at most 107 bytes) is made of their hash and of the user's id.
 *
 * @throws the system error of any failure other than "held".
 */
export function takeExclusiveLock(name: string): Promise<ExclusiveLock | undefined> {
  const server = createServer((socket) => socket.destroy());
  server.unref();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(socketName(name), () => {
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

/** With the user's id, so that nobody takes another's lock by accident. */
function socketName(name: string): string {
  const digest = createHash('sha256').update(name).digest('hex');
  return `\0meridian-${process.getuid?.() ?? 0}-${digest}`;
}
