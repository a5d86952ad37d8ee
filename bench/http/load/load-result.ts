import type { BenchRoute } from '../setup.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
}

/** A request of a load: `Host`, or what the URL says, and the path. */
export interface Target {
  readonly host: string | undefined;
  readonly path: string;
}

const stride = 7_919;

/** One request for each route, in an order that jumps about (the stride is prime). */
export function targetsOf(routes: readonly BenchRoute[]): Target[] {
  return routes.map((_, at) => {
    const { host, prefix } = routes[(at * stride) % routes.length]!;
    return { host, path: `${prefix}/rates?base=EUR` };
  });
}
