import { readFileSync } from 'node:fs';

/**
 * Which process a number means: a pid alone is reused after its process ended, with the
 * time of its start (clock ticks since boot, field 22 of /proc/PID/stat, proc(5)) it is not.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTicks: number;
}

/** The fields of /proc/PID/stat after the command, which may itself hold spaces and `)`. */
function statFields(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

/**
 * Undefined when no such process runs; one that only waits to be reaped does not. The first thread
 * of one that was killed is a zombie while the others end, and those have its ports and files yet.
 */
export function identify(pid: number): ProcessIdentity | undefined {
  const fields = statFields(pid);
  const state = fields?.[0];
  if (!fields || state === undefined || 'Xx'.includes(state)) return undefined;
  if (state === 'Z' && Number(fields[17]) <= 1) return undefined;
  return { pid, startTicks: Number(fields[19]) };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** The parent of a process; 0 for none. */
export function parentOf(pid: number): number {
  return Number(statFields(pid)?.[1] ?? 0);
}

/** Whether a process leads its session. */
export function leadsSession(pid: number): boolean {
  return Number(statFields(pid)?.[3]) === pid;
}

/** As text: `PID.TICKS`. */
export function formatIdentity({ pid, startTicks }: ProcessIdentity): string {
  return `${pid}.${startTicks}`;
}

export function parseIdentity(text: string): ProcessIdentity | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(text);
  return match ? { pid: Number(match[1]), startTicks: Number(match[2]) } : undefined;
}

/** True while SIGSTOP holds the process. */
export function isStopped({ pid }: ProcessIdentity): boolean {
  return statFields(pid)?.[0] === 'T';
}

/** The command line for people, shortened; the bare name where there is none. */
export function commandOf(pid: number): string {
  try {
    const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    const text = line || readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
    return text.length > 120 ? `${text.slice(0, 119)}…` : text;
  } catch {
    return 'a process that has just ended';
  }
}
