import { setTimeout as sleep } from 'node:timers/promises';
import type { NodeStatus, RegionStatus, ServiceStatus } from '../admin/node-view.ts';
import { messageOf } from '../base/errors.ts';
import type { Config } from '../config/schema/config.ts';
import { askAdmin } from './admin-client.ts';
import { type FileRefusal, fileRefusalsOf, otherTroubles } from './file-refusals.ts';
import { causesOf, type Missing, type Observer } from './missing.ts';
import { type StackNode, stackNodes } from './plan/nodes.ts';

/** The part of a node's `/status` that says whether the stack is complete. */
export type ReadinessView = Pick<
  NodeStatus,
  'store' | 'regions' | 'services' | 'degraded' | 'revision'
>;

export interface Readiness {
  /** Nothing: all is there. */
  readonly missing: readonly Missing[];
  /** What the nodes say does not work as it should, each sentence once. */
  readonly degraded: readonly string[];
  /** Nodes that serve, and not what the file says. */
  readonly refused: readonly FileRefusal[];
}

const pollMs = 100;
const answerWithinMs = 1_000;
/** Servers of the store whose votes split try again after 4 to 9 s. */
const settleMs = 12_000;
const notStored = 'the configuration is not in the store yet';

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
    ...(isStored(view)
      ? []
      : [{ kind: 'unsettled', observer, region: observer.region, why: notStored } as const]),
    ...view.regions
      .filter(({ name }) => config.regions[name]?.kind !== 'witness')
      .flatMap((region) => gatewaysMissing(observer, region)),
    ...services.map((service): Missing => {
      const { name, region, state } = service;
      return { kind: 'service', service: name, observer, region, state, why: reasonOf(service) };
    }),
  ];
}

/** Where the store can be reached; a node may also follow a file of its own, and nobody else's word. */
function isStored({ store, revision }: ReadinessView): boolean {
  if (store.engine === 'memory' || !store.reachable) return true;
  return revision.source === 'store' || revision.staleForSeconds === undefined;
}

/** Buckets that nobody knows a leader of: what is written to them now could come to nothing. */
export function leaderlessAt(
  views: readonly (readonly [Observer, Pick<ReadinessView, 'store'>])[],
): Missing[] {
  const led = new Set(
    views.flatMap(([, { store }]) =>
      store.buckets.flatMap(({ name, leader }) => (leader === undefined ? [] : [name])),
    ),
  );
  return views.flatMap(([observer, { store }]) =>
    (store.engine === 'memory' ? [] : store.buckets)
      .filter(({ name }) => !led.has(name))
      .map(({ name }): Missing => {
        const why = `bucket ${name} of the store has no leader yet`;
        return { kind: 'unsettled', observer, region: observer.region, why };
      }),
  );
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
 * every service that the stack runs as usable, and until the first change can be written.
 * Resolves with what is missing when `until` fires first. A stack that serves is ready 12 s
 * later also if its store has not settled: then that is something that is degraded.
 */
export async function awaitReady(config: Config, until: AbortSignal): Promise<Readiness> {
  const nodes = stackNodes(config);
  let servesSinceMs: number | undefined;
  for (;;) {
    const answers = await Promise.all(nodes.map((node) => askNode(node, config)));
    const seen = answers.flatMap((answer) => (answer.seen ? [answer.seen] : []));
    const missing = [...answers.flatMap((answer) => answer.missing), ...leaderlessAt(seen)];
    const serves = missing.every(({ kind }) => kind === 'unsettled');
    servesSinceMs = serves ? (servesSinceMs ?? performance.now()) : undefined;
    const late = servesSinceMs !== undefined && performance.now() - servesSinceMs > settleMs;
    if (missing.length === 0 || late || until.aborted) {
      const told = seen.flatMap(([, view]) => otherTroubles(view));
      const sentences = serves ? causesOf(missing).map(({ sentence }) => sentence) : [];
      return {
        missing: serves ? [] : missing,
        degraded: [...new Set([...told, ...sentences])],
        refused: fileRefusalsOf(seen),
      };
    }
    await sleep(pollMs, undefined, { signal: until }).catch(() => undefined);
  }
}

interface NodeAnswer extends Pick<Readiness, 'missing'> {
  readonly seen?: readonly [Observer, ReadinessView];
}

async function askNode(observer: StackNode, config: Config): Promise<NodeAnswer> {
  const { region, name: node, bind } = observer;
  const absent = (why: string): NodeAnswer => {
    return { missing: [{ kind: 'node', observer, region, node, why }] };
  };
  try {
    const ready = await askAdmin(bind, config.ports.admin, '/ready', answerWithinMs);
    if (ready.status !== 200) return absent(`it is not ready (${ready.status})`);
    const { body } = await askAdmin(bind, config.ports.admin, '/status', answerWithinMs);
    const view = JSON.parse(body) as ReadinessView;
    const missing = missingAt(observer, view, config);
    return { missing, seen: [observer, view] };
  } catch (error) {
    return absent(messageOf(error));
  }
}
