import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity, parseIdentity } from './identity.ts';

/** The environment variable that marks every process of a stack with its state directory. */
export const stackMark = 'MERIDIAN_STACK';
/** The one that says whose child it is, by pid and start time. */
export const supervisorMark = 'MERIDIAN_SUPERVISOR';

/** A process that carries the mark of a stack. */
export interface MarkedProcess extends ProcessIdentity {
  /** Undefined where the mark does not say. */
  readonly supervisor: ProcessIdentity | undefined;
}

/** The pids of this machine, in no order. */
export function allPids(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

/** The state directory of the stack that a process belongs to, if it belongs to one. */
export function stackOf(pid: number): string | undefined {
  return environmentOf(pid).get(stackMark);
}

/** Every process marked with this state directory, but not this process itself. */
export function findMarked(directory: string): MarkedProcess[] {
  const found: MarkedProcess[] = [];
  for (const pid of allPids()) {
    if (pid === process.pid) continue;
    // Identity first: a pid reused after the look at its environment is then not taken for it.
    const identity = identify(pid);
    if (!identity) continue;
    const environment = environmentOf(pid);
    if (environment.get(stackMark) !== directory) continue;
    const supervisor = parseIdentity(environment.get(supervisorMark) ?? '');
    found.push({ ...identity, supervisor });
  }
  return found;
}

/** As it was when the process began; empty when it has ended or is another user's. */
function environmentOf(pid: number): ReadonlyMap<string, string> {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return new Map(
      variables.map((variable): [string, string] => {
        const equals = variable.indexOf('=');
        return [variable.slice(0, equals), variable.slice(equals + 1)];
      }),
    );
  } catch {
    return new Map();
  }
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
