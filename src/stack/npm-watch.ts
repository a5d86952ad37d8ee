import {
  commandOf,
  identify,
  isAlive,
  leadsSession,
  type ProcessIdentity,
  parentOf,
} from './processes/identity.ts';

/** What a process knows of how it was started. */
export interface Origin {
  readonly environment: NodeJS.ProcessEnv;
  readonly parent: number;
  /** Started by setsid(1), or by a supervisor: its life is its own. */
  readonly leadsSession: boolean;
}

const pollMs = 500;
/** npm, its shell, a launcher: so far up is it looked for. */
const furthestNpm = 4;

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

/**
 * Calls back once, within half a second of the end of the parent, or of the npm above it:
 * the shell between the two outlives an npm that was killed. Does not keep the process
 * alive.
 */
export function watchNpm(onEnd: () => void): { close(): void } {
  const parent = process.ppid;
  const origin = {
    environment: process.env,
    parent,
    leadsSession: leadsSession(process.pid),
  };
  if (!endsWithParent(origin)) return { close: () => undefined };
  const npm = npmAbove(parent);
  const poll = setInterval(() => {
    if (process.ppid === parent && (!npm || isAlive(npm))) return;
    clearInterval(poll);
    onEnd();
  }, pollMs);
  poll.unref();
  return { close: () => clearInterval(poll) };
}

/** npm names itself after what it does: `npm start`, `npm exec meridian`. */
function npmAbove(parent: number): ProcessIdentity | undefined {
  let pid = parent;
  for (let step = 0; step < furthestNpm && pid > 1; step++) {
    if (/^npm\b/.test(commandOf(pid))) return identify(pid);
    pid = parentOf(pid);
  }
  return undefined;
}
