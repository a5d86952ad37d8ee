import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below those that the kernel gives to whoever asks for any. */
const lowest = 12_000;
const highest = 32_000;

/**
 * Ports that are free for TCP and UDP on each of these addresses. Nobody gets one by chance: only
 * who asks for that very port could take it before the test does.
 */
export async function freePorts(count: number, ...addresses: string[]): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    const free = await Promise.all(addresses.map((address) => isFree(address, port)));
    if (!free.includes(false)) ports.add(port);
  }
  return [...ports];
}

export async function freePort(...addresses: string[]): Promise<number> {
  const [port] = await freePorts(1, ...addresses);
  return port!;
}

async function isFree(address: string, port: number): Promise<boolean> {
  const server = createServer().listen(port, address);
  const socket = createSocket('udp4').bind(port, address);
  const bound = [server, socket].map((holder) => once(holder, 'listening'));
  const [tcp, udp] = await Promise.allSettled(bound);
  if (tcp!.status === 'fulfilled') await once(server.close(), 'close');
  await once(socket.close(), 'close');
  return tcp!.status === 'fulfilled' && udp!.status === 'fulfilled';
}
