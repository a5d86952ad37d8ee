import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';

/** The environment variable that marks every process of a stack with its state directory. */
export const stackMark = 'MERIDIAN_STACK';

/** The pids of this machine, in no order. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The state directory of the stack that a process belongs to, if it belongs to one. */
export function stackOf(pid: number): string | undefined {
  let environment: string;
  try {
    environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return undefined; // Ended, or another user's.
  }
  const prefix = `${stackMark}=`;
  const entry = environment.split('\0').find((variable) => variable.startsWith(prefix));
  return entry?.slice(prefix.length);
}

/** Every process marked with this state directory, but not this process itself. */
export function findMarked(directory: string): ProcessIdentity[] {
  const found: ProcessIdentity[] = [];
  for (const pid of allPids()) {
    if (pid === process.pid) continue;
    // Identity first: a pid reused after the look at its environment is then not taken for it.
    const identity = identify(pid);
    if (identity && stackOf(pid) === directory) found.push(identity);
  }
  return found;
}

/**
 * Ends processes at once (SIGKILL also ends those that are stopped) and waits until they
 * are gone. Resolves to those that still live at the deadline.
 */
export async function endProcesses(
  identities: readonly ProcessIdentity[],
  deadlineMs: number,
): Promise<ProcessIdentity[]> {
  for (const identity of identities) {
    if (isAlive(identity)) signal(identity.pid, 'SIGKILL');
  }
  const untilMs = performance.now() + deadlineMs;
  let alive = identities.filter(isAlive);
  while (alive.length > 0 && performance.now() < untilMs) {
    await sleep(10);
    alive = alive.filter(isAlive);
  }
  return alive;
}

/** Signals a process, or a group when negative. False when it is gone. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
