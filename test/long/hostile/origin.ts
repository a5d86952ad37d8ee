import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parentPort } from 'node:worker_threads';

/** A service in a thread of its own: a word at any path, 16 MiB at `/large`, one at `/less`. */
const large = Buffer.alloc(16 * 1024 * 1024, 'x');
const server = createServer((request, response) => {
  if (request.url === '/large') response.end(large);
  else if (request.url === '/less') response.end(large.subarray(0, 1024 * 1024));
  else request.resume().on('end', () => response.end('ok'));
});
server.listen(0, '127.0.0.1', () => {
  parentPort!.postMessage((server.address() as AddressInfo).port);
});
