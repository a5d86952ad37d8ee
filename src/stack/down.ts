import { setTimeout as sleep } from 'node:timers/promises';
import { askStack, findStack } from './control/client.ts';
import { failStack } from './errors.ts';
import { isAlive } from './processes/identity.ts';
import { endLeftovers } from './state/leftovers.ts';
import { lockHolder, lockStack } from './state/lock.ts';

export interface EndedStack {
  readonly directory: string;
  /** The pid of the supervisor that was asked to stop, if one ran. */
  readonly supervisor: number | undefined;
  /** Processes that a killed supervisor had left. */
  readonly leftovers: number;
}

const endWithinMs = 20_000;

/**
 * Ends the stack of a state directory and waits until its supervisor is gone; without a
 * supervisor, ends what one that was killed left.
 *
 * @throws MeridianError `stack_not_running` when none was ever started there,
 *   `control_failed` when the supervisor does not end in 20 s.
 */
export async function endStack(state: string): Promise<EndedStack> {
  const stack = findStack(state);
  const { directory } = stack.layout;
  const holder = lockHolder(stack.layout);
  if (!holder) {
    const lock = await lockStack(stack.layout);
    const leftovers = await endLeftovers(stack.layout).finally(() => lock.release());
    return { directory, supervisor: undefined, leftovers };
  }
  await askStack(stack, { operation: 'stop' });
  const untilMs = performance.now() + endWithinMs;
  while (isAlive(holder)) {
    if (performance.now() > untilMs) {
      failStack('control_failed', `the supervisor, pid ${holder.pid}, has not ended in 20 s`);
    }
    await sleep(20);
  }
  return { directory, supervisor: holder.pid, leftovers: 0 };
}
