/** A service that a stack starts; with GRANDCHILD set, itself the parent of another process. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

const { HOST, PORT, REGION, SERVICE, GRANDCHILD } = process.env;
console.log(`fake ${SERVICE} of ${REGION}`);
if (GRANDCHILD) spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' }).unref();
createServer((socket) => socket.destroy()).listen(Number(PORT), HOST);
