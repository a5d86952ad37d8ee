import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeStatus } from '../admin/node-view.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { askAdmin } from './admin-client.ts';

/** The part of a node's `/status` that says whether the stack is complete. */
export type ReadinessView = Pick<NodeStatus, 'store' | 'regions' | 'services'>;

const pollMs = 100;
const answerWithinMs = 1_000;

/** What one node still lacks, one sentence each: nothing when the stack is complete to it. */
export function missingAt(region: string, view: ReadinessView, config: Config): string[] {
  const started = Object.keys(config.stack?.services ?? {});
  const gateways = view.regions.filter(
    ({ name, gateway }) => config.regions[name]?.kind === 'region' && gateway.state !== 'healthy',
  );
  const services = view.services.filter(
    (service) =>
      started.includes(service.name) &&
      config.services[service.name]?.endpoints[service.region] !== undefined &&
      service.state !== 'healthy',
  );
  return [
    ...(view.store.reachable || view.store.engine === 'memory'
      ? []
      : [`${region}: the store is out of reach`]),
    ...gateways.map(({ name, gateway }) => `${region}: the gateway of ${name} is ${gateway.state}`),
    ...services.map(
      (service) => `${region}: service ${service.name} of ${service.region} is ${service.state}`,
    ),
  ];
}

/**
 * Waits until every node answers /ready with 200 and sees every gateway, the store and
 * every service that the stack runs as usable. Resolves to what is missing when `until`
 * fires first: to nothing when all is there.
 */
export async function awaitReady(config: Config, until: AbortSignal): Promise<string[]> {
  const regions = Object.keys(config.regions);
  for (;;) {
    const missing = (await Promise.all(regions.map((region) => askNode(region, config)))).flat();
    if (missing.length === 0 || until.aborted) return missing;
    await sleep(pollMs, undefined, { signal: until }).catch(() => undefined);
  }
}

async function askNode(region: string, config: Config): Promise<string[]> {
  const { address, bind } = config.regions[region]!;
  const host = bind ?? address;
  try {
    const ready = await askAdmin(host, config.ports.admin, '/ready', answerWithinMs);
    if (ready.status !== 200) return [`${region}: the node is not ready (${ready.status})`];
    const status = await askAdmin(host, config.ports.admin, '/status', answerWithinMs);
    return missingAt(region, JSON.parse(status.body) as ReadinessView, config);
  } catch (error) {
    return [`${region}: ${messageOf(error)}`];
  }
}
