import { readFileSync } from 'node:fs';
import { systemClock } from '../base/clock.ts';
import { MeridianError, messageOf } from '../base/errors.ts';
import { createLog } from '../observability/log.ts';
import { type RegionNode, startNode } from './node.ts';

export interface RunNodeOptions {
  readonly region: string;
  readonly configPath: string | undefined;
  readonly stateDirectory: string;
  /** File that holds the token of the admin API. */
  readonly adminTokenPath: string | undefined;
  /** File that holds the password of the store's servers, where they have one. */
  readonly storeSecretPath?: string | undefined;
  readonly version: string;
}

/**
 * Runs one node until it is told to stop: SIGTERM leaves gracefully, SIGINT (or a second
 * SIGTERM) at once. SIGUSR2, after a rotation, makes it open its access log anew. Events go to standard output as lines of JSON.
 *
 * @throws what `startNode` throws.
 */
export async function runNode(options: RunNodeOptions): Promise<void> {
  const log = createLog({
    region: options.region,
    clock: systemClock,
    write: (line) => void process.stdout.write(line),
  });
  let running: RegionNode | undefined;
  process.on('SIGUSR2', () => running?.reopenLogs()); // before it could end the process
  const node = await startNode({
    region: options.region,
    configPath: options.configPath,
    stateDirectory: options.stateDirectory,
    adminToken: readSecret(options.adminTokenPath, 'admin token'),
    storeSecret: readSecret(options.storeSecretPath, 'password of the store'),
    version: options.version,
    log,
  });
  running = node;
  await untilStopped(
    () => node.drainAndClose(),
    () => node.close(),
  );
}

function readSecret(path: string | undefined, what: string): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (cause) {
    throw new MeridianError('secret_unreadable', `cannot read the ${what}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function untilStopped(drain: () => Promise<void>, close: () => Promise<void>): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let asked = false;
    const stop = (graceful: boolean) => {
      const end = graceful && !asked ? drain() : close();
      asked = true;
      end.then(resolve, reject);
    };
    process.on('SIGTERM', () => stop(true));
    process.on('SIGINT', () => stop(false));
  });
}
