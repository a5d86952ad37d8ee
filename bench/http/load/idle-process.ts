/** Opens connections, sends a request on each, and keeps them as long as the server does. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext } from 'node:tls';
import { obey } from './child.ts';
import type { IdleCommand, IdleCounts } from './idle-clients.ts';

type Opening = Extract<IdleCommand, { kind: 'open' }>;

/** At the same time. */
const openings = 64;
const responseLimitMs = 10_000;
const request = 'GET /v1/rates?base=EUR HTTP/1.1\r\nHost: localhost\r\n\r\n';

const secureContext = createSecureContext();
let held = 0;
let refused = 0;
let dropped = 0;

/** Resolves when the connection has got its response, or is closed. */
function openOne({ port, secure, localAddress }: Opening): Promise<void> {
  const socket: Socket = secure
    ? connectTls({
        socket: connect({ host: '127.0.0.1', port, localAddress }),
        servername: 'localhost',
        rejectUnauthorized: false,
        secureContext,
      })
    : connect({ host: '127.0.0.1', port, localAddress });
  let answered = false;
  socket.on(secure ? 'secureConnect' : 'connect', () => socket.write(request));
  socket.setTimeout(responseLimitMs, () => {
    if (!answered) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
  return new Promise((resolve) => {
    socket.on('data', (bytes) => {
      if (answered || !bytes.toString('latin1').startsWith('HTTP/1.1 200 ')) return;
      answered = true;
      held++;
      socket.setTimeout(0);
      resolve();
    });
    socket.on('close', () => {
      if (answered) {
        held--;
        dropped++;
      } else refused++;
      resolve();
    });
  });
}

async function open(opening: Opening): Promise<void> {
  let left = opening.count;
  const openInTurn = async () => {
    while (left-- > 0) await openOne(opening);
  };
  await Promise.all(Array.from({ length: openings }, openInTurn));
}

obey(async (command: IdleCommand): Promise<IdleCounts> => {
  if (command.kind === 'open') await open(command);
  return { held, refused, dropped };
});
