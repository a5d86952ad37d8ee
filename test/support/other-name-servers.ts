import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { decodeMessage, type Message } from '../../src/dns/wire/message.ts';
import { parseName } from '../../src/dns/wire/name.ts';
import { encodeQuery } from '../../src/dns/wire/query-writer.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import { commandPath } from './requirements.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** Another name server, with zone files of its own. */
export interface OtherNameServer {
  /**
   * Queries in flight have different ids, below 10,000. One that is not answered is sent again,
   * as UDP may lose it: an id is to be used again late.
   */
  ask(query: Buffer): Promise<Message>;
  close(): Promise<void>;
}

const againMs = 10_000;

interface Waiting {
  readonly resolve: (answer: Message) => void;
  readonly again: NodeJS.Timeout;
}

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly zones: readonly string[];
}

/** By the program's name: what its configuration says, and how it is started with it. */
const servers: Readonly<
  Record<string, { configure(place: Place): string[]; words(file: string): string[] }>
> = {
  knotd: {
    configure: ({ folder, port, zones }) => [
      `server:\n  listen: 127.0.0.1@${port}\n  rundir: ${folder}\n  udp-workers: 1\n  tcp-workers: 1`,
      `database:\n  storage: ${folder}/db`,
      `template:\n  - id: default\n    storage: ${folder}\n    zonefile-sync: -1\n    journal-content: none`,
      `zone:\n${zones.map((zone) => `  - domain: ${zone}\n    file: ${zone}.zone`).join('\n')}`,
    ],
    words: (file) => ['-c', file],
  },
  nsd: {
    configure: ({ folder, port, zones }) => [
      `server:\n  ip-address: 127.0.0.1@${port}\n  server-count: 1\n  username: ""\n  zonesdir: ${folder}`,
      `  pidfile: ""\n  database: ""\n  zonelistfile: ${folder}/list\n  xfrdfile: ${folder}/xfrd\n  xfrdir: ${folder}`,
      '  minimal-responses: no\n  rrl-ratelimit: 0\nremote-control:\n  control-enable: no',
      ...zones.map((zone) => `zone:\n  name: ${zone}\n  zonefile: ${zone}.zone`),
    ],
    words: (file) => ['-d', '-c', file],
  },
};

/** @param program `knotd` or `nsd` */
export async function startNameServer(
  program: string,
  zones: ReadonlyMap<string, string>,
): Promise<OtherNameServer> {
  const folder = await temporaryDirectory(program);
  const port = await freePort('127.0.0.1');
  for (const [zone, text] of zones) await writeFile(join(folder, `${zone}.zone`), text);
  const { configure, words } = servers[program]!;
  const file = join(folder, 'server.conf');
  const lines = configure({ folder, port, zones: [...zones.keys()] });
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn(commandPath(program)!, words(file), { stdio: 'ignore' });
  const socket = createSocket('udp4');
  const waiting = new Map<number, Waiting>();
  const take = (id: number) => {
    const one = waiting.get(id);
    clearInterval(one?.again);
    waiting.delete(id);
    return one;
  };
  socket.on('message', (bytes) => {
    const answer = decodeMessage(bytes);
    take(answer.id)?.resolve(answer);
  });
  socket.on('error', () => undefined); // nobody listens there yet
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const ask = (query: Buffer) =>
    new Promise<Message>((resolve) => {
      const again = setInterval(() => socket.send(query), againMs);
      waiting.set(query.readUInt16BE(0), { resolve, again });
      socket.send(query);
    });
  const server = {
    ask,
    close() {
      for (const id of waiting.keys()) take(id);
      return close(child, socket);
    },
  };
  // Each try with its own: an answer may come when nobody waits for it any more.
  let id = 10_000;
  try {
    for (const zone of zones.keys()) {
      await eventually(
        `${zone} in ${program}`,
        async () => {
          const asked = ask(encodeQuery({ id: ++id, name: parseName(zone), type: 6 }));
          const answer = await Promise.race([asked, setTimeout(250, undefined)]);
          return answer?.rcode === 0;
        },
        60_000,
      );
    }
  } catch (error) {
    await server.close();
    throw error;
  }
  return server;
}

async function close(child: ChildProcess, socket: Socket): Promise<void> {
  socket.close();
  if (child.exitCode !== null || child.pid === undefined) return;
  child.kill();
  await once(child, 'exit');
}
