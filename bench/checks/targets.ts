import { createServer } from 'node:net';

/** A process that takes every connection to any of its addresses, and tells its port. */
const server = createServer((socket) => socket.on('error', () => undefined).resume());
server.listen({ port: 0, host: '0.0.0.0', backlog: 4_096 }, () => {
  const bound = server.address();
  process.send?.(typeof bound === 'object' && bound?.port);
});
