import { readdirSync, readFileSync } from 'node:fs';

/** Linux reports process times in ticks of 1/100 s to user space (USER_HZ). */
const microsecondsPerTick = 10_000;

/** User + system time so far of a process, all its threads included, in µs. */
function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * microsecondsPerTick;
}

/** Pids of the processes that it started and that are alive. */
export function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number),
  );
}

/** The same for a process with all its descendants that are alive (nginx has workers). */
export function treeCpuMicroseconds(pid: number): number {
  return childrenOf(pid).reduce(
    (sum, child) => sum + treeCpuMicroseconds(child),
    cpuMicroseconds(pid),
  );
}
