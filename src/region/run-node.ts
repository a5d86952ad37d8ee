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
 * SIGTERM) at once. SIGUSR2, after a rotation, makes it open its access log anew. Events
 * go to standard output as lines of JSON.
 *
 * @throws what `startNode` throws.
 */
export async function runNode(options: RunNodeOptions): Promise<void> {
  // Who read the log is gone: no reason to stop serving.
  process.stdout.on('error', () => undefined);
  const log = createLog({
    region: options.region,
    clock: systemClock,
    write: (line) => void process.stdout.write(line),
  });
  const signals = new NodeSignals();
  const node = await startNode({
    region: options.region,
    configPath: options.configPath,
    stateDirectory: options.stateDirectory,
    adminToken: readSecret(options.adminTokenPath, 'admin token'),
    storeSecret: readSecret(options.storeSecretPath, 'password of the store'),
    version: options.version,
    log,
  });
  signals.obey(node);
  await node.ended;
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

/**
 * The signals of a node, heard from before it starts: the moment it says that it is ready,
 * it may be told to stop. What comes during the start is obeyed after it; a second signal
 * then ends the process at once.
 */
class NodeSignals {
  #node: RegionNode | undefined;
  #asked: 'drain' | 'close' | undefined;

  constructor() {
    process.on('SIGUSR2', () => this.#node?.reopenLogs());
    process.on('SIGTERM', () => this.#ask('drain'));
    process.on('SIGINT', () => this.#ask('close'));
  }

  obey(node: RegionNode): void {
    this.#node = node;
    if (this.#asked === 'drain') void node.drainAndClose();
    if (this.#asked === 'close') void node.close();
  }

  #ask(what: 'drain' | 'close'): void {
    const first = this.#asked === undefined;
    this.#asked ??= what;
    if (!this.#node) {
      if (!first) process.exit(1);
    } else if (first && what === 'drain') void this.#node.drainAndClose();
    else void this.#node.close();
  }
}
