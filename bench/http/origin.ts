import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { largeBytes, largePath, smallBody } from './bodies.ts';
import { statusOf } from './probe.ts';
import { freePort, type Stage } from './stage.ts';
import { nginxCommand, nginxMain } from './subjects/nginx.ts';
import { findTool } from './tools.ts';

const ownOrigin = fileURLToPath(new URL('./origin-process.ts', import.meta.url));

/**
 * Starts an origin on the core of the load, and resolves to its port: nginx, which leaves
 * the load most of the core, or where it is missing one of our own.
 */
export async function startOrigin(stage: Stage, beside: 'any' | 'openLoop' = 'any') {
  const port = await freePort();
  const command = findTool('nginx')
    ? nginxCommand(stage, 'origin', originText(stage, port))
    : [process.execPath, ownOrigin, String(port)];
  const first = beside === 'openLoop' && mayTakePrecedence() ? precedence : [];
  const program = stage.startBeside('origin', [...first, ...command]);
  const origin = { httpPort: port, httpsPort: 0 };
  await program.until('the origin answers', async () => {
    return (await statusOf(origin, undefined, '/')) === 200;
  });
  return port;
}

/** Of the real-time class: as soon as there is something to do, before all others. */
const precedence = ['chrt', '--fifo', '1'];

/** An open-loop load never leaves its core; without precedence the origin waits for its time slice. */
function mayTakePrecedence(): boolean {
  const [command, ...options] = precedence;
  return spawnSync(command!, [...options, 'true'], { stdio: 'ignore' }).status === 0;
}

function originText(stage: Stage, port: number): string {
  stage.write('large.bin', Buffer.alloc(largeBytes, 'x'));
  return `${nginxMain(stage.directory, 'origin')}
  access_log off; default_type application/json; open_file_cache max=10; sendfile_max_chunk 0;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 200 '${smallBody}'; }
    location ${largePath} { root ${stage.directory}; try_files /large.bin =404; }
  }
}`;
}
