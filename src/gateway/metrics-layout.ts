import { listenerNames } from '../config/listeners.ts';
import type { Config } from '../config/schema/config.ts';
import { compileTopology } from '../config/topology.ts';
import type { GatewayMetricsLayout } from '../observability/gateway-layout.ts';
import { problems } from './exchange/problems.ts';

/** What the counters of a gateway are indexed by: the integers of the topology, and the routes. */
export function metricsLayout(config: Config): GatewayMetricsLayout {
  const { regions, services, endpoints } = compileTopology(config);
  return {
    routes: config.routes.map(({ name }) => name),
    regions: regions.map(({ name }) => name),
    listeners: listenerNames(config),
    services: services.map(({ name }) => name),
    endpoints: endpoints.map(({ serviceIndex, regionIndex, host, port }) => ({
      service: services[serviceIndex]!.name,
      region: regions[regionIndex]!.name,
      endpoint: `${host}:${port}`,
    })),
    problems: Object.keys(problems),
  };
}
