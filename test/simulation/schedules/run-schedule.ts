import { World } from '../world.ts';
import { deploymentOf } from './deployment.ts';
import { Invariants, Violation } from './invariants.ts';
import { mend, perform } from './perform.ts';
import { expectedState, forgottenMs, hears, settledMs } from './rules.ts';
import type { Fault, Schedule } from './schedule.ts';

/** What a run came to. */
export interface Run {
  readonly violation: Violation | undefined;
  /** Everything that any node decided. */
  readonly transcript: string;
}

/** How long all is well is looked at. */
const lastingMs = 5_000;
/** How soon a run ends that went wrong. */
const sliceMs = 500;

/** Boots the deployment, lets all of it happen, and ends every fault. */
export function runSchedule(schedule: Schedule): Run {
  const world = new World({ seed: schedule.seed, ...deploymentOf(schedule) });
  try {
    world.boot();
    play(world, schedule);
    return { violation: undefined, transcript: world.transcript() };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { violation: error, transcript: world.transcript() };
  }
}

function play(world: World, schedule: Schedule): void {
  const strict = schedule.profile === 'harmless';
  const invariants = new Invariants(world, schedule.seed, strict);
  const { truth } = invariants;
  world.observer = invariants;
  allIsWell(world, invariants);
  advance(world, invariants, lastingMs);
  const setBack = new Set<string>();
  let forgotten = false;
  for (const { fault, thenMs } of schedule.steps) {
    if (fault.kind === 'lull') {
      lull(world, invariants, forgotten);
    } else {
      note(world, invariants, fault);
      perform(world, fault);
      truth.look();
      if (fault.kind === 'jump' && fault.byMs < 0) setBack.add(fault.node);
      forgotten ||= fault.kind === 'start' && fault.fromNothing && setBack.has(fault.node);
      advance(world, invariants, thenMs);
    }
  }
  for (const { name } of world.nodes) truth.draining(name, false);
  mend(world);
  truth.look();
  advance(world, invariants, boundMs(world, forgotten));
  allIsWell(world, invariants);
  const decided = world.history.length;
  advance(world, invariants, lastingMs);
  const more = world.history[decided];
  if (more) throw new Violation('all well lasts', `${more.about} ${more.value} at ${more.at}`);
}

const boundMs = ({ config }: World, forgotten: boolean): number =>
  settledMs(config) + (forgotten ? forgottenMs(config) : 0);

function advance(world: World, invariants: Invariants, ms: number): void {
  for (let leftMs = ms; leftMs > 0; leftMs -= sliceMs) {
    world.advance(Math.min(leftMs, sliceMs));
    if (invariants.violation) throw invariants.violation;
  }
}

/** What the truth cannot see by itself. */
function note(world: World, { truth }: Invariants, fault: Fault): void {
  if (!('node' in fault)) return;
  const node = world.node(fault.node);
  if (fault.kind === 'jump') truth.jumped(node);
  if (!node.running || node.paused) return;
  if (fault.kind === 'drain' || fault.kind === 'undrain') {
    truth.draining(node.name, fault.kind === 'drain');
  }
}

/** Lets what is not left to chance be known, and compares it with the rules. */
function lull(world: World, invariants: Invariants, forgotten: boolean): void {
  const { truth } = invariants;
  for (const { name } of world.nodes) {
    if (world.network.lossOf(name) < 1) world.network.setLoss(name, 0);
  }
  world.network.setFrameLoss(0);
  world.network.setSpikes(0, 0);
  truth.look();
  advance(world, invariants, boundMs(world, forgotten));
  const abouts = [
    ...world.regions.flatMap((region) => [`gateway/${region}`, `service/rates/${region}`]),
    ...['web', 'some', 'both', 'not'].map((name) => `check/${name}`),
  ];
  for (const node of world.nodes.filter(({ running, paused }) => running && !paused)) {
    for (const about of abouts) {
      const expected = expectedState(world, truth, node, about);
      const state = world.state(node.name, about);
      if (expected === undefined || state === expected) continue;
      throw new Violation('what stands is known', `${about} at ${node.name}: ${state}`);
    }
    for (const other of world.serving.filter((one) => hears(world, node, one))) {
      const index = world.topology.regionIndex.get(other.region)!;
      if (node.table!.draining(index) === truth.drainsNow(other.name)) continue;
      throw new Violation('what stands is known', `whether ${other.name} drains, at ${node.name}`);
    }
  }
}

function allIsWell(world: World, { answers }: Invariants): void {
  const subjects = world.regions.flatMap((region) => [
    `gateway/${region}`,
    ...['rates', 'ledger'].map((service) => `service/${service}/${region}`),
  ]);
  const addresses = world.serving.map(({ region, address }) => `gateway/${region}/${address}`);
  const checks = ['web', 'some', 'both'].map((name) => `check/${name}`);
  const everything = world.serving.map(({ address }) => address).sort();
  for (const node of world.nodes) {
    for (const about of [...subjects, ...addresses, ...checks]) {
      const state = world.state(node.name, about);
      if (state === 'healthy') continue;
      throw new Violation('all well is known', `${about} at ${node.name} is ${state}`);
    }
    const answer = [...answers.of(node, 'simple')].sort();
    if (`${answer}` === `${everything}`) continue;
    throw new Violation('all well is known', `${node.name} answers [${answer}]`);
  }
}
