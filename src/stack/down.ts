import { realpathSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { askStack, findStack, refuseFrozen } from './control/client.ts';
import { failStack } from './errors.ts';
import { isAlive, type ProcessIdentity } from './processes/identity.ts';
import { findMarked, signal } from './processes/marked.ts';
import { layoutOf, type StackLayout } from './state/layout.ts';
import { endLeftovers, forceEnd } from './state/leftovers.ts';
import { lockHolder, lockStack } from './state/lock.ts';

export interface EndedStack {
  readonly directory: string;
  /** The pid of the supervisor that was asked to stop, if one ran. */
  readonly supervisor: number | undefined;
  /** Processes that a killed supervisor had left. */
  readonly leftovers: number;
}

const endWithinMs = 20_000;

export interface EndOptions {
  /** SIGKILL for the supervisor, and no trust in what it wrote. */
  readonly force?: boolean;
}

/**
 * Ends the stack of a state directory and waits until its supervisor is gone; without a
 * supervisor, ends what one that was killed left.
 *
 * @throws MeridianError `stack_not_running` when none was ever started there,
 *   `supervisor_frozen`, `control_failed` when the supervisor does not end in 20 s.
 */
export async function endStack(state: string, { force }: EndOptions = {}): Promise<EndedStack> {
  if (force) return killStack(layoutOf(realDirectory(state)));
  const stack = findStack(state);
  const { directory } = stack.layout;
  const holder = lockHolder(stack.layout);
  if (!holder) {
    const lock = await lockStack(stack.layout);
    const leftovers = await endLeftovers(stack.layout).finally(() => lock.release());
    return { directory, supervisor: undefined, leftovers };
  }
  refuseFrozen(holder);
  await askStack(stack, { operation: 'stop' });
  await untilGone(holder);
  return { directory, supervisor: holder.pid, leftovers: 0 };
}

/** Works with a supervisor that is frozen, and with a stack.json that cannot be read. */
async function killStack(layout: StackLayout): Promise<EndedStack> {
  const { directory } = layout;
  const holder = lockHolder(layout);
  // Also one whose directory was removed and made again.
  const marked = findMarked(directory).flatMap(({ supervisor }) => supervisor ?? []);
  const supervisors = [...(holder ? [holder] : []), ...marked].filter(isAlive);
  for (const { pid } of supervisors) signal(pid, 'SIGKILL');
  for (const supervisor of supervisors) await untilGone(supervisor);
  const lock = await lockStack(layout);
  const leftovers = await forceEnd(layout).finally(() => lock.release());
  return { directory, supervisor: supervisors[0]?.pid, leftovers };
}

/** Marks hold the real path. */
function realDirectory(state: string): string {
  try {
    return realpathSync(state);
  } catch {
    return findStack(state).layout.directory; // Says what is wrong with the path.
  }
}

async function untilGone(supervisor: ProcessIdentity): Promise<void> {
  const untilMs = performance.now() + endWithinMs;
  while (isAlive(supervisor)) {
    if (performance.now() > untilMs) {
      failStack(
        'control_failed',
        `the supervisor, pid ${supervisor.pid}, has not ended in 20 s; \`meridian down --force\` kills it`,
      );
    }
    await sleep(20);
  }
}
