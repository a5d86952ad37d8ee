import { execFileSync, spawnSync } from 'node:child_process';

const mark = 'MERIDIAN_BENCH_NETWORK';

/**
 * A network of its own for all of a bench, in which packets can be dropped: the bench is run
 * again in a new namespace. Returns its exit code, or `undefined` where this process is
 * the one inside, or where no such network can be made.
 */
export function runInOwnNetwork(): number | undefined {
  if (ownNetwork() || !canMakeNetwork()) return undefined;
  const { status } = spawnSync(
    'unshare',
    [...unshareOptions(), process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit', env: { ...process.env, [mark]: 'own' } },
  );
  return status ?? 1;
}

/** Whether packets can be dropped here. */
export const ownNetwork = (): boolean => process.env[mark] === 'own';

/** Brings up the loopback of a new network. */
export function prepareNetwork(): void {
  if (ownNetwork()) execFileSync('ip', ['link', 'set', 'lo', 'up']);
}

/** All packets to these addresses vanish, and nothing tells. */
export function dropPackets(network: string): void {
  execFileSync('iptables', ['-w', '-I', 'INPUT', '-d', network, '-j', 'DROP']);
}

export function dropNothing(): void {
  execFileSync('iptables', ['-w', '-F', 'INPUT']);
}

function canMakeNetwork(): boolean {
  const script = 'ip link set lo up && iptables -w -L -n';
  const options = { stdio: 'ignore' } as const;
  return spawnSync('unshare', [...unshareOptions(), 'sh', '-c', script], options).status === 0;
}

/** Who is not root becomes it inside only. */
function unshareOptions(): string[] {
  return process.getuid?.() === 0 ? ['-n'] : ['-r', '-n'];
}
