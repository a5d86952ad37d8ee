import type { Config } from '../../../src/config/schema/config.ts';
import type { StateName } from '../../../src/health/table.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import type { World } from '../world.ts';
import { someShare } from './deployment.ts';
import type { Truth } from './truth.ts';

/** Longest time for a link to stand again: two limits for what does not answer, and waiting. */
const reconnectMs = 2 * (2_000 + 1_000) + 500;
/** A node is taken for lost by its link this much later than for not fresh. */
const silenceMarginMs = 2_000;
/** First failures after a start are not counted. */
const graceMs = 2_000;

/** By when whatever stands is known everywhere. */
export function settledMs({ health }: Config): number {
  const { interval, timeout, failures, resets, recoveries } = health;
  const longestIntervalMs = 1.1 * interval;
  const probes = Math.max(failures + resets, recoveries) + 1;
  const freshnessMs = Math.max(3 * interval, 2_000);
  const damping = graceMs + probes * longestIntervalMs + timeout;
  return damping + reconnectMs + freshnessMs + silenceMarginMs;
}

/** A lower incarnation is heard after this long. */
export function forgottenMs({ health }: Config): number {
  return 10 * Math.max(3 * health.interval, 2_000) + 1_000;
}

/**
 * What every node has to hold when nothing has changed for long, by the decision table of
 * the design, from what is really the case: for regions of one node each. `undefined`: it
 * depends on what was before.
 */
export function expectedState(
  world: World,
  truth: Truth,
  at: SimulatedNode,
  about: string,
): StateName | undefined {
  const [kind, first = '', second = ''] = about.split('/');
  if (kind === 'gateway') return gateway(world, truth, at, first);
  if (kind === 'service') return service(world, truth, at, second);
  const states = { web: check(world, truth, at, 0.5), some: check(world, truth, at, someShare) };
  if (first === 'web' || first === 'some') return states[first];
  if (!states.web || !states.some) return undefined;
  const both = states.web === 'healthy' && states.some === 'healthy';
  return both === (first === 'both') ? 'healthy' : 'unhealthy';
}

const stateOf = (up: boolean): StateName => (up ? 'healthy' : 'unhealthy');

function gateway(world: World, truth: Truth, at: SimulatedNode, of: string): StateName | undefined {
  const target = world.node(of);
  const vantages = world.nodes.filter(({ name }) => name !== of);
  const up = (vantage: SimulatedNode) => truth.path(vantage, target, 'gateway') === 'good';
  const heard = vantages.filter((vantage) => hears(world, at, vantage));
  return decide({ of: vantages.length, words: heard.map(up), own: up(at), share: 0.5 });
}

function check(
  world: World,
  truth: Truth,
  at: SimulatedNode,
  share: number,
): StateName | undefined {
  const up = (vantage: SimulatedNode) => truth.path(vantage, world.outside, 'service') === 'good';
  const heard = world.nodes.filter((vantage) => hears(world, at, vantage));
  return decide({ of: world.nodes.length, words: heard.map(up), own: up(at), share });
}

function decide({
  of,
  words,
  own,
  share,
}: {
  of: number;
  words: readonly boolean[];
  own: boolean;
  share: number;
}): StateName | undefined {
  if (words.length <= of / 2) return stateOf(own);
  const up = words.filter(Boolean).length;
  const down = words.length - up;
  if (share < 0.5) return stateOf(up > share * words.length);
  return up === down ? undefined : stateOf(up > down);
}

/** Decided where it is; the others take its word, while they hear it. */
function service(world: World, truth: Truth, at: SimulatedNode, of: string): StateName | undefined {
  const region = world.node(of);
  if (hears(world, at, region)) return stateOf(region.serviceAlive);
  const lost = gateway(world, truth, at, of);
  return lost === 'unhealthy' ? 'unknown' : undefined;
}

export function hears(world: World, at: SimulatedNode, from: SimulatedNode): boolean {
  if (at === from) return true;
  return from.running && !from.paused && world.network.connected(at.name, from.name);
}
