import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  /** The program under test has it for itself. */
  readonly subject: number;
  /** Load and origin share it. */
  readonly load: number;
}

/**
 * The first two that this process may use. From here on it keeps to that of the load itself.
 *
 * @throws where there are fewer.
 */
export function takeCores(): Cores {
  const [subject, load] = allowedCores();
  if (subject === undefined || load === undefined) {
    throw new Error('two processors are needed: one for the gateway, one for load and origin');
  }
  execFileSync('taskset', [
    '--all-tasks',
    '--cpu-list',
    '--pid',
    String(load),
    String(process.pid),
  ]);
  return { subject, load };
}

/** From `Cpus_allowed_list: 0-3,8`. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, at) => first + at);
  });
}
