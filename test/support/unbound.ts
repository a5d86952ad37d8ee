import { execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rawQuery } from '../../src/dns/testdata/raw-query.ts';
import { decodeMessage, type Message } from '../../src/dns/wire/message.ts';
import { eventually } from './eventually.ts';
import { freePort } from './free-ports.ts';
import { commandPath } from './requirements.ts';
import { temporaryDirectory } from './temporary-directory.ts';

const run = promisify(execFile);

export interface ResolverAnswer extends Message {
  /** The resolver checked every signature, or the proof that there is nothing (the AD flag). */
  readonly isAuthentic: boolean;
}

/** Unbound as a resolver that knows one zone and validates it. It keeps keys, and no answers. */
export interface Resolver {
  readonly port: number;
  ask(name: string, type: string): Promise<ResolverAnswer>;
  /** Other DS records as the parent of the zone has them, and all TTLs over. */
  trust(delegations: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** @param server port of the zone's name server at 127.0.0.1 */
export async function startUnbound(
  zone: string,
  server: number,
  delegations: readonly string[],
): Promise<Resolver> {
  const folder = await temporaryDirectory('unbound');
  const port = await freePort('127.0.0.1');
  const file = join(folder, 'unbound.conf');
  const configure = (anchors: readonly string[]) =>
    writeFile(file, configuration({ folder, port, zone, server, anchors }));
  await configure(delegations);
  const child = spawn(commandPath('unbound')!, ['-d', '-c', file], { stdio: 'ignore' });
  const socket = createSocket('udp4').on('error', () => undefined); // nobody listens there yet
  const waiting = new Map<number, (bytes: Buffer) => void>();
  socket.on('message', (bytes) => waiting.get(bytes.readUInt16BE(0))?.(bytes));
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let id = 0;
  const ask = async (name: string, type: string): Promise<ResolverAnswer> => {
    const query = rawQuery({ id: ++id, name, type, options: [], dnssecOk: true });
    query[2] = 1; // RD
    const { promise, resolve } = Promise.withResolvers<Buffer>();
    waiting.set(id, resolve);
    socket.send(query);
    // A datagram may be lost.
    const again = setInterval(() => socket.send(query), 10_000);
    const bytes = await promise;
    clearInterval(again);
    waiting.delete(bytes.readUInt16BE(0));
    return { ...decodeMessage(bytes), isAuthentic: (bytes[3]! & 0x20) !== 0 };
  };
  const control = (...words: string[]) =>
    run(commandPath('unbound-control')!, ['-c', file, ...words]);
  await eventually('Unbound', () =>
    control('status').then(
      () => true,
      () => false,
    ),
  );
  return {
    port,
    ask,
    async trust(anchors) {
      await configure(anchors);
      await control('reload');
    },
    async close() {
      socket.close();
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

interface Settings {
  readonly folder: string;
  readonly port: number;
  readonly zone: string;
  readonly server: number;
  readonly anchors: readonly string[];
}

function configuration({ folder, port, zone, server, anchors }: Settings): string {
  return `server:
  interface: 127.0.0.1@${port}
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: "${folder}/log"
  val-log-level: 2
  do-not-query-localhost: no
  do-ip6: no
  num-threads: 1
  msg-cache-size: 0
  rrset-cache-size: 0
  neg-cache-size: 0
  module-config: "validator iterator"
  local-zone: "test." nodefault
  aggressive-nsec: yes
  harden-below-nxdomain: yes
  harden-dnssec-stripped: yes
${anchors.map((anchor) => `  trust-anchor: "${zone}. DS ${anchor}"\n`).join('')}
remote-control:
  control-enable: yes
  control-interface: "${folder}/control"
  control-use-cert: no
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${server}
`;
}
