import { systemClock } from '../base/clock.ts';
import { MeridianError, messageOf } from '../base/errors.ts';
import { createLog } from '../observability/log.ts';
import { leaveSecretsOutOfCoreDumps } from '../secrets/core-dumps.ts';
import { type KeyRing, type KeyRingSource, loadKeyRing } from '../secrets/key-ring.ts';
import { readSecretFile, secretFileContext } from '../secrets/sealed-text.ts';
import { startNode } from './node.ts';
import { NodeSignals } from './node-signals.ts';
import type { Peer } from './start/peers.ts';

export interface RunNodeOptions {
  readonly region: string;
  readonly configPath: string | undefined;
  readonly stateDirectory: string;
  /** File that holds the token of the admin API. */
  readonly adminTokenPath: string | undefined;
  /** File that holds the password of the store's servers, where they have one; may be sealed. */
  readonly storeSecretPath?: string | undefined;
  /** File with the outer keys, or their text. */
  readonly outerKeys?: KeyRingSource | undefined;
  readonly node?: string | undefined;
  readonly seed?: string | undefined;
  readonly join?: readonly Peer[] | undefined;
  readonly bundlePath?: string | undefined;
  readonly version: string;
}

/**
 * Runs one node until it is told to stop: SIGTERM leaves gracefully, SIGINT (or a second
 * SIGTERM) at once. SIGHUP takes the configuration and its certificates in anew. SIGUSR2,
 * after a rotation, makes it open its access log anew. Events go to standard output as lines
 * of JSON.
 *
 * @throws what `startNode` throws.
 */
export async function runNode(options: RunNodeOptions): Promise<void> {
  leaveSecretsOutOfCoreDumps();
  // Who read the log is gone: no reason to stop serving.
  process.stdout.on('error', () => undefined);
  const log = createLog({
    region: options.region,
    clock: systemClock,
    write: (line) => void process.stdout.write(line),
  });
  const signals = new NodeSignals();
  const ring = options.outerKeys && loadKeyRing(options.outerKeys);
  const node = await startNode({
    region: options.region,
    node: options.node,
    configPath: options.configPath,
    stateDirectory: options.stateDirectory,
    seed: options.seed,
    join: options.join,
    bundlePath: options.bundlePath,
    adminToken: await readSecret(options.adminTokenPath, ring, 'admin token'),
    storeSecret: await readSecret(options.storeSecretPath, ring, 'password of the store'),
    ring,
    version: options.version,
    log,
  });
  signals.obey(node);
  await node.ended;
}

async function readSecret(
  path: string | undefined,
  ring: KeyRing | undefined,
  what: string,
): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return (await readSecretFile(path, ring, secretFileContext)).trim() || undefined;
  } catch (cause) {
    const code = cause instanceof MeridianError ? cause.code : 'secret_unreadable';
    throw new MeridianError(code, `cannot read the ${what}: ${messageOf(cause)}`, { cause });
  }
}
