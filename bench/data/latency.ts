import { tailOf } from '../statistics.ts';

/** One operation, the `n`th: another key or another value each time. */
export type Operation = (n: number) => Promise<unknown>;

/** Microseconds of each of `count` operations, one after the other. */
export async function oneByOne(operation: Operation, count: number): Promise<number[]> {
  const micros: number[] = [];
  for (let n = 0; n < count; n++) {
    const startedMs = performance.now();
    await operation(n);
    micros.push((performance.now() - startedMs) * 1_000);
  }
  return micros;
}

/** Operations per second with as many under way at once as there are `operations`. */
export async function atOnce(operations: readonly Operation[], seconds: number): Promise<number> {
  const startedMs = performance.now();
  const endMs = startedMs + seconds * 1_000;
  let done = 0;
  await Promise.all(
    operations.map(async (operation) => {
      while (performance.now() < endMs) {
        await operation(done);
        done++;
      }
    }),
  );
  return (done * 1_000) / (performance.now() - startedMs);
}

/** `0.21 / 0.48` ms: median and 99th percentile. */
export function shown(micros: readonly number[]): string {
  const { median, p99 } = tailOf(micros);
  const ms = (value: number) => (value / 1_000).toFixed(value < 10_000 ? 2 : 0);
  return `${ms(median)} / ${ms(p99)}`;
}
