import { type DataApiFigures, exposeDataApi } from './data-metrics.ts';
import { type DnsMetrics, exposeDns } from './dns-metrics.ts';
import { exposeGateway } from './expose-gateway.ts';
import { Exposition } from './exposition.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import { exposeNode, type NodeFigures } from './node-metrics.ts';
import type { ProcessFigures } from './process-meter.ts';

export interface MetricSources {
  readonly node: NodeFigures;
  readonly process: ProcessFigures;
  /** One per gateway thread. */
  readonly gateway: readonly GatewayMetrics[];
  /** One per DNS thread. */
  readonly dns: readonly DnsMetrics[];
  /** Of the data API, where it is served. */
  readonly data?: DataApiFigures | undefined;
}

/** All metrics of a node in Prometheus' text format (`expositionContentType`). */
export function renderMetrics({ node, process, gateway, dns, data }: MetricSources): string {
  const exposition = new Exposition();
  exposeNode(exposition, node, process);
  exposeGateway(exposition, gateway);
  exposeDns(exposition, dns);
  exposeDataApi(exposition, data);
  return exposition.text();
}
