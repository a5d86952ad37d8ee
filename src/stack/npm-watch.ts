import { readFileSync } from 'node:fs';

/** What a process knows of how it was started. */
export interface Origin {
  readonly environment: NodeJS.ProcessEnv;
  readonly parent: number;
  /** Started by setsid(1), or by a supervisor: its life is its own. */
  readonly leadsSession: boolean;
}

const pollMs = 500;

/**
 * Whether a process ends with its parent: only what npm or npx started in the ordinary
 * way. npm ends on SIGTERM without a word to its child, which would go on with nobody to
 * end it. Whoever means it to outlive npm starts it with `setsid`.
 */
export function endsWithParent({ environment, parent, leadsSession }: Origin): boolean {
  const byNpm = ['npm_lifecycle_event', 'npm_command', 'npm_execpath'].some(
    (name) => environment[name] !== undefined,
  );
  return byNpm && parent !== 1 && !leadsSession;
}

/** Calls back once, within half a second of the end of npm. Does not keep the process alive. */
export function watchNpm(onEnd: () => void): { close(): void } {
  const parent = process.ppid;
  if (!endsWithParent({ environment: process.env, parent, leadsSession: leadsSession() })) {
    return { close: () => undefined };
  }
  const poll = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(poll);
    onEnd();
  }, pollMs);
  poll.unref();
  return { close: () => clearInterval(poll) };
}

/** Field 6 of /proc/PID/stat, proc(5); the command before it may itself hold spaces and `)`. */
function leadsSession(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]) === process.pid;
  } catch {
    return false;
  }
}
