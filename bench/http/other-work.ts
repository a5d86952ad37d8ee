import { readFileSync } from 'node:fs';

/** USER_HZ. */
const ticksPerSecond = 100;

/**
 * How much work of others the machine did meanwhile: the more, the less the figures say.
 * Exact once the programs that this process started have ended.
 */
export class OtherWork {
  readonly #startedMs = performance.now();
  readonly #before = otherSeconds();

  /** Processors that were busy with it, on average. */
  read(): number {
    const seconds = (performance.now() - this.#startedMs) / 1_000;
    return Math.max(0, (otherSeconds() - this.#before) / seconds);
  }
}

/** Of all processes, less this one and those that it started and that have ended. */
function otherSeconds(): number {
  const [all = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = all.split(/\s+/).slice(1).map(Number);
  // user nice system, and what the host of a virtual machine has taken; interrupts are ours too
  const busy = [0, 1, 2, 7].reduce((sum, at) => sum + ticks[at]!, 0);
  const own = readFileSync('/proc/self/stat', 'utf8');
  const fields = own.slice(own.lastIndexOf(')') + 2).split(' ');
  // user and system, then those of the ended children
  const ownTicks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
  return (busy - ownTicks) / ticksPerSecond;
}
