import { deserialize, serialize } from 'node:v8';
import type { Steps } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';

/** 100 take a tenth of a millisecond to read. */
const routesPerPart = 100;

/**
 * A configuration on its way to a thread that serves. A message is read whole before anything
 * else, 10,000 routes in 10 ms; so routes, of which there are most, come as parts that the
 * thread reads one at a time.
 */
export interface PackedConfig {
  readonly rest: Omit<Config, 'routes'>;
  readonly routes: readonly Uint8Array[];
}

export function packConfig({ routes, ...rest }: Config): PackedConfig {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < routes.length; at += routesPerPart) {
    parts.push(serialize(routes.slice(at, at + routesPerPart)));
  }
  return { rest, routes: parts };
}

export function* unpackConfig({ rest, routes: parts }: PackedConfig): Steps<Config> {
  const routes: Config['routes'] = [];
  for (const part of parts) {
    routes.push(...(deserialize(part) as Config['routes']));
    yield;
  }
  return { ...rest, routes };
}
