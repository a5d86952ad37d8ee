/** An origin for where nginx is missing: `node origin-process.ts PORT`. Requests have no body. */
import { createServer } from 'node:net';
import { largeBytes, largePath, smallBody } from './bodies.ts';

const small = message(Buffer.from(smallBody));
const large = message(Buffer.alloc(largeBytes, 'x'));

function message(body: Buffer): Buffer {
  const head = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

const server = createServer({ noDelay: true }, (socket) => {
  let rest = '';
  socket.on('error', () => socket.destroy());
  socket.on('data', (bytes) => {
    const heads = (rest + bytes.toString('latin1')).split('\r\n\r\n');
    rest = heads.pop()!;
    for (const head of heads)
      socket.write(head.split(' ', 2)[1]!.startsWith(largePath) ? large : small);
  });
});
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4_096 });
