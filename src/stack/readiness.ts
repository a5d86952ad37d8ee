import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeStatus, RegionStatus, ServiceStatus } from '../admin/node-view.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { askAdmin } from './admin-client.ts';
import type { Missing, Observer } from './missing.ts';
import { type StackNode, stackNodes } from './plan/nodes.ts';

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
export function missingAt(observer: Observer, view: ReadinessView, config: Config): Missing[] {
  const started = Object.keys(config.stack?.services ?? {});
  const { store } = view;
  const services = view.services.filter(
    (service) =>
      started.includes(service.name) &&
      config.services[service.name]?.endpoints[service.region] !== undefined &&
      service.state !== 'healthy',
  );
  return [
    ...(store.reachable || store.engine === 'memory'
      ? []
      : [
          { kind: 'store', observer, region: observer.region, why: store.lastError ?? '' } as const,
        ]),
    ...view.regions
      .filter(({ name }) => config.regions[name]?.kind !== 'witness')
      .flatMap((region) => gatewaysMissing(observer, region)),
    ...services.map((service): Missing => {
      const { name, region, state } = service;
      return { kind: 'service', service: name, observer, region, state, why: reasonOf(service) };
    }),
  ];
}

/** A region is healthy while one of its nodes is; complete when all are. */
function gatewaysMissing(
  observer: Observer,
  { name, gateway, addresses }: RegionStatus,
): Missing[] {
  const { state, reason: why } = gateway;
  const of = { kind: 'gateway', observer, region: name } as const;
  if (state !== 'healthy') return [{ ...of, node: undefined, state, why }];
  return addresses
    .filter((address) => address.state !== 'healthy')
    .map((address) => ({ ...of, node: address.node, state: address.state, why: address.address }));
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
  const nodes = stackNodes(config);
  for (;;) {
    const answers = await Promise.all(nodes.map((node) => askNode(node, config)));
    const missing = answers.flatMap((answer) => answer.missing);
    if (missing.length === 0 || until.aborted) {
      return { missing, degraded: [...new Set(answers.flatMap(({ degraded }) => degraded))] };
    }
    await sleep(pollMs, undefined, { signal: until }).catch(() => undefined);
  }
}

async function askNode(observer: StackNode, config: Config): Promise<Readiness> {
  const { region, name: node, bind } = observer;
  const absent = (why: string): Readiness => {
    return { missing: [{ kind: 'node', observer, region, node, why }], degraded: [] };
  };
  try {
    const ready = await askAdmin(bind, config.ports.admin, '/ready', answerWithinMs);
    if (ready.status !== 200) return absent(`it is not ready (${ready.status})`);
    const { body } = await askAdmin(bind, config.ports.admin, '/status', answerWithinMs);
    const view = JSON.parse(body) as ReadinessView;
    return { missing: missingAt(observer, view, config), degraded: view.degraded };
  } catch (error) {
    return absent(messageOf(error));
  }
}
