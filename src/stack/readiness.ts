import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeStatus, ServiceStatus } from '../admin/node-view.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { askAdmin } from './admin-client.ts';
import type { Missing } from './missing.ts';

/** The part of a node's `/status` that says whether the stack is complete. */
export type ReadinessView = Pick<NodeStatus, 'store' | 'regions' | 'services' | 'degraded'>;

export interface Readiness {
  /** Nothing: all is there. */
  readonly missing: readonly Missing[];
  /** What the nodes say does not work as it should, each sentence once. */
  readonly degraded: readonly string[];
}

const pollMs = 100;
const answerWithinMs = 1_000;

/** What one node still lacks: nothing when the stack is complete to it. */
export function missingAt(observer: string, view: ReadinessView, config: Config): Missing[] {
  const started = Object.keys(config.stack?.services ?? {});
  const { store } = view;
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
    ...(store.reachable || store.engine === 'memory'
      ? []
      : [{ kind: 'store', observer, region: observer, why: store.lastError ?? '' } as const]),
    ...gateways.map(({ name, gateway: { state, reason } }): Missing => {
      return { kind: 'gateway', observer, region: name, state, why: reason };
    }),
    ...services.map((service): Missing => {
      const { name, region, state } = service;
      return { kind: 'service', service: name, observer, region, state, why: reasonOf(service) };
    }),
  ];
}

/** Its endpoints where the node probes them itself: they say more than its word on the whole. */
function reasonOf({ reason, endpoints }: ServiceStatus): string {
  const failing = endpoints.filter(({ state }) => state !== 'healthy');
  if (failing.length === 0) return reason;
  return failing.map(({ address, state }) => `${address} is ${state}`).join(', ');
}

/**
 * Waits until every node answers /ready with 200 and sees every gateway, the store and
 * every service that the stack runs as usable. Resolves with what is missing when `until`
 * fires first.
 */
export async function awaitReady(config: Config, until: AbortSignal): Promise<Readiness> {
  const regions = Object.keys(config.regions);
  for (;;) {
    const answers = await Promise.all(regions.map((region) => askNode(region, config)));
    const missing = answers.flatMap((answer) => answer.missing);
    if (missing.length === 0 || until.aborted) {
      return { missing, degraded: [...new Set(answers.flatMap(({ degraded }) => degraded))] };
    }
    await sleep(pollMs, undefined, { signal: until }).catch(() => undefined);
  }
}

async function askNode(region: string, config: Config): Promise<Readiness> {
  const { address, bind } = config.regions[region]!;
  const host = bind ?? address;
  const absent = (why: string): Readiness => {
    return { missing: [{ kind: 'node', observer: region, region, why }], degraded: [] };
  };
  try {
    const ready = await askAdmin(host, config.ports.admin, '/ready', answerWithinMs);
    if (ready.status !== 200) return absent(`it is not ready (${ready.status})`);
    const { body } = await askAdmin(host, config.ports.admin, '/status', answerWithinMs);
    const view = JSON.parse(body) as ReadinessView;
    return { missing: missingAt(region, view, config), degraded: view.degraded };
  } catch (error) {
    return absent(messageOf(error));
  }
}
