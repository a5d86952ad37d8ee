import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { allPids } from './marked.ts';

/** A bound socket as /proc/net lists it. */
export interface BoundSocket {
  /** As in the file: hexadecimal, 32-bit words in the byte order of the machine. */
  readonly addressHex: string;
  readonly port: number;
  readonly inode: string;
  readonly uid: number;
}

const listening = '0A';

/**
 * Reads /proc/net/{tcp,tcp6,udp,udp6} (proc(5)). For TCP only sockets that listen:
 *
 *   sl  local_address rem_address   st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
 *    0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0       0 10834
 */
export function parseSockets(text: string, transport: 'tcp' | 'udp'): BoundSocket[] {
  const sockets: BoundSocket[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, local, , state, , , , uid, , inode] = fields;
    if (local === undefined || inode === undefined) continue;
    if (transport === 'tcp' && state !== listening) continue;
    const [addressHex = '', portHex = ''] = local.split(':');
    sockets.push({ addressHex, port: Number.parseInt(portHex, 16), inode, uid: Number(uid) });
  }
  return sockets;
}

/** Whether a socket bound to `addressHex` stands in the way of binding an IPv4 address. */
export function covers(addressHex: string, host: string): boolean {
  if (/^0+$/.test(addressHex)) return true; // 0.0.0.0 or ::
  const bytes = host.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  const hex = bytes.reverse().join('').toUpperCase();
  return addressHex === hex || addressHex === `0000000000000000FFFF0000${hex}`;
}

/** The sockets that hold a port of an IPv4 address, SO_REUSEPORT and wildcards included. */
export function socketsHolding(
  transport: 'tcp' | 'udp',
  host: string,
  port: number,
): BoundSocket[] {
  return [transport, `${transport}6`].flatMap((name) => {
    const sockets = parseSockets(readOrEmpty(`/proc/net/${name}`), transport);
    return sockets.filter((socket) => socket.port === port && covers(socket.addressHex, host));
  });
}

/** The pids that have these sockets open; those of other users only root may see. */
export function pidsOf(inodes: ReadonlySet<string>): Map<string, number[]> {
  const holders = new Map<string, number[]>();
  for (const pid of allPids()) {
    for (const inode of openSockets(pid)) {
      if (!inodes.has(inode)) continue;
      const pids = holders.get(inode) ?? [];
      if (!pids.includes(pid)) holders.set(inode, [...pids, pid]);
    }
  }
  return holders;
}

function openSockets(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => socketInode(`/proc/${pid}/fd/${fd}`));
  } catch {
    return [];
  }
}

function socketInode(path: string): string[] {
  try {
    const match = /^socket:\[(\d+)\]$/.exec(readlinkSync(path));
    return match?.[1] === undefined ? [] : [match[1]];
  } catch {
    return [];
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
