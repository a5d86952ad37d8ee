import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { treeCpuMicroseconds } from '../process-cpu.ts';
import { monotonicMs } from './monotonic.ts';

/** USER_HZ. */
const ticksPerSecond = 100;

export interface Busy {
  /** Processors that this process and its descendants kept busy, on average. */
  readonly own: number;
  /** That all others did: the more, the noisier the figures. */
  readonly others: number;
}

/** Tells how busy the machine was since it was made, and with whose work. */
export class BusyMeter {
  readonly #startedMs = monotonicMs();
  readonly #all = busySeconds();
  readonly #own = ownSeconds();

  read(): Busy {
    const seconds = (monotonicMs() - this.#startedMs) / 1_000;
    const own = Math.max(0, (ownSeconds() - this.#own) / seconds);
    return { own, others: Math.max(0, (busySeconds() - this.#all) / seconds - own) };
  }
}

export function machine(): string {
  const model = cpus()[0]?.model ?? 'unknown CPU';
  const load = loadavg().map((value) => value.toFixed(1));
  return `${availableParallelism()} × ${model}, Node ${process.version}, load ${load.join(' ')}`;
}

function ownSeconds(): number {
  return treeCpuMicroseconds(process.pid) / 1e6;
}

function busySeconds(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n');
  const ticks = line.split(/\s+/).slice(1).map(Number);
  // user nice system, then idle and waiting for disks, then interrupts and what was stolen
  return [0, 1, 2, 5, 6, 7].reduce((sum, at) => sum + ticks[at]!, 0) / ticksPerSecond;
}
