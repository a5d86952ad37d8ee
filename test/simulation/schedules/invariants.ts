import { gatewayHealthPath } from '../../../src/health/plan.ts';
import type { SimulatedNode } from '../simulated-node.ts';
import { type Entry, type Observer, outsideAddress, type Probed, type World } from '../world.ts';
import { Answers } from './answers.ts';
import { someShare } from './deployment.ts';
import { Truth } from './truth.ts';

/** What may never be. */
export type Invariant =
  | 'an answer is as promised'
  | 'a majority is not outvoted'
  | 'no change without a cause'
  | 'no verdict on too few probes'
  | 'a restart changes nothing'
  | 'who drains is who said so'
  | 'what does no harm changes nothing'
  | 'what stands is known'
  | 'all well is known'
  | 'all well lasts';

export class Violation extends Error {
  readonly invariant: Invariant;

  constructor(invariant: Invariant, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
  }
}

/** Heard within this, a vantage is fresh for certain: freshness is 3 s by default. */
const freshForCertainMs = 2_000;

/** A subject as it is looked at: who votes, and what they probe. */
interface Ballot {
  /** Regions. */
  readonly vantages: readonly string[];
  readonly targets: readonly Probed[];
  readonly what: 'gateway' | 'service';
  readonly path: string;
  /** Up while more than this share of the fresh says so. */
  readonly share: number;
}

/** Looks at everything that nodes do. */
export class Invariants implements Observer {
  /** The first. */
  violation: Violation | undefined;
  readonly truth: Truth;
  readonly answers: Answers;
  readonly #world: World;
  /** `strict`: no change at all is allowed. */
  readonly #strict: boolean;
  readonly #started = new Map<SimulatedNode, { atMs: number; heard: boolean }>();

  /** The last state but unknown, by node and subject. */
  readonly #said = new Map<string, string>();

  constructor(world: World, seed: number, strict: boolean) {
    this.#world = world;
    this.#strict = strict;
    this.truth = new Truth(world);
    this.answers = new Answers(world, seed);
  }

  started(node: SimulatedNode, restored: Parameters<Observer['started']>[1]): void {
    this.truth.started(node, restored === undefined);
    this.truth.draining(node.name, false);
    this.truth.look();
    this.#started.set(node, { atMs: this.#world.scheduler.nowMs, heard: false });
    for (const [key, { state }] of Object.entries(restored?.subjects ?? {})) {
      const about = key.startsWith('check/') ? key.split('/').slice(0, 2).join('/') : key;
      const now = this.#world.state(node.name, about);
      if (state !== 'unknown') this.#said.set(`${node.name} ${about}`, state);
      if (now === state) continue;
      this.#fail('a restart changes nothing', `${about} at ${node.name}: ${state}, then ${now}`);
    }
    this.#lookAtAnswers(node);
  }

  probed(node: SimulatedNode, place: string, ok: boolean): void {
    this.truth.probed(node, place, ok);
  }

  heard(node: SimulatedNode, fromRegion: string): void {
    this.truth.heard(node, fromRegion);
    const started = this.#started.get(node);
    if (started) started.heard = true;
  }

  changed(node: SimulatedNode, entry: Entry): void {
    this.truth.look();
    this.#lookAtAnswers(node);
    const { about, value } = entry;
    const what = `${about} ${value} at ${node.name}: ${entry.reason}`;
    if (this.#strict) this.#fail('what does no harm changes nothing', what);
    if (about.startsWith('draining/')) this.#draining(node, about, value === 'on', what);
    const ballot = this.#ballotOf(about);
    if (!ballot || value === 'unknown') return;
    // The last word of a region on its service holds again when its gateway is back.
    const saidBefore = this.#said.get(`${node.name} ${about}`) ?? 'healthy';
    this.#said.set(`${node.name} ${about}`, value);
    if (about.startsWith('service/') && saidBefore === value) return;
    this.#evidence(node, ballot, value === 'healthy', what);
    this.#cause(node, ballot, value === 'healthy', what);
    this.#majority(node, ballot, value === 'healthy', what);
  }

  #lookAtAnswers(node: SimulatedNode): void {
    const wrong = this.answers.fault(node);
    if (wrong) this.#fail('an answer is as promised', wrong);
  }

  #ballotOf(about: string): Ballot | undefined {
    const { nodes } = this.#world;
    const all = [...new Set(nodes.map(({ region }) => region))];
    const [kind, first = '', second = ''] = about.split('/');
    if (kind === 'gateway') {
      const targets = nodes.filter(({ region, address }) =>
        second === '' ? region === first : address === second,
      );
      const vantages = all.filter((region) => region !== first);
      return { vantages, targets, what: 'gateway', path: gatewayHealthPath, share: 0.5 };
    }
    if (kind === 'service') {
      const [target] = nodes.filter(({ region }) => region === second);
      return { vantages: [second], targets: [target!], what: 'service', path: '', share: 0.5 };
    }
    if (first !== 'web' && first !== 'some') return undefined;
    const shared = { vantages: all, targets: [this.#world.outside], what: 'service' as const };
    return first === 'web'
      ? { ...shared, path: '/', share: 0.5 }
      : { ...shared, path: '/some', share: someShare };
  }

  /** Somebody who has a say, or the own region, has seen enough. */
  #evidence(node: SimulatedNode, ballot: Ballot, up: boolean, what: string): void {
    const started = this.#started.get(node);
    if (started && !started.heard && this.truth.endedSince(node, started.atMs) < 2) {
      this.#fail('a restart changes nothing', `${what}, and nothing was probed or heard since`);
    }
    const sinceMs = this.truth.sinceMs(node);
    const enough = this.#voters(node, ballot).some((voter) =>
      ballot.targets.some((target) => {
        const address = target === this.#world.outside ? outsideAddress : this.#addressOf(target);
        const outcomes = this.truth.outcomes(voter, address + ballot.path, sinceMs);
        // One that stood still does not believe all that it saw.
        const inRow = this.truth.undisturbed(voter.region);
        return up ? recovered(outcomes, inRow) : failed(outcomes, inRow);
      }),
    );
    if (!enough) this.#fail('no verdict on too few probes', what);
  }

  /** Somebody who has a say, or the own region, could really see it so. */
  #cause(node: SimulatedNode, ballot: Ballot, up: boolean, what: string): void {
    const { targets, what: of } = ballot;
    const sinceMs = this.truth.sinceMs(node);
    const seen = this.#voters(node, ballot).some((voter) =>
      up
        ? targets.some((target) => this.truth.wasNotBad(voter, target, of, sinceMs))
        : targets.every((target) => this.truth.wasNotGood(voter, target, of, sinceMs)),
    );
    if (!seen) this.#fail('no change without a cause', what);
  }

  /** Those that certainly say otherwise are too few to be outvoted by the rest. */
  #majority(node: SimulatedNode, ballot: Ballot, up: boolean, what: string): void {
    const { vantages, share } = ballot;
    if (!this.truth.undisturbed(node.region)) return;
    const against = vantages.filter((vantage) => this.#certainly(node, vantage, ballot, !up));
    const n = vantages.length;
    const outvoted = up ? against.length >= n * (1 - share) : against.length > n * share;
    if (outvoted && against.length > n / 2) {
      this.#fail('a majority is not outvoted', `${what}; against it: ${against}`);
    }
  }

  #certainly(node: SimulatedNode, vantage: string, ballot: Ballot, up: boolean): boolean {
    const { truth } = this;
    if (!truth.undisturbed(vantage) || !truth.hears(node, vantage, freshForCertainMs)) return false;
    const { targets, what } = ballot;
    const sinceMs = truth.sinceMs(node);
    return this.#nodesOf([vantage]).every((one) =>
      up
        ? targets.some((target) => !truth.wasNotGood(one, target, what, sinceMs))
        : targets.every((target) => !truth.wasNotBad(one, target, what, sinceMs)),
    );
  }

  #draining(node: SimulatedNode, about: string, on: boolean, what: string): void {
    const [, region = '', one] = about.split('/');
    const nodes = this.#nodesOf([region]).filter(
      (other) => one === undefined || other.node === one,
    );
    const { truth } = this;
    // One that is not heard any more does not drain any more: it is down, as probes show.
    if (one !== undefined && !on) return;
    const sinceMs = truth.sinceMs(node);
    const known = on
      ? nodes.some(({ name }) => truth.drained(name, sinceMs))
      : nodes.some(
          ({ name, running, health }) => !running || !health || !truth.drainsSince(name, sinceMs),
        );
    if (!known) this.#fail('who drains is who said so', `${what} (${node.name})`);
  }

  #voters(node: SimulatedNode, { vantages, what }: Ballot): SimulatedNode[] {
    const own = what === 'gateway' ? [node.region] : [];
    return this.#nodesOf([...vantages, ...own]);
  }

  #nodesOf(regions: readonly string[]): SimulatedNode[] {
    return this.#world.nodes.filter(({ region }) => regions.includes(region));
  }

  #addressOf(target: Probed): string {
    return this.#world.node(target.name).address;
  }

  /** Kept, not thrown: nodes would catch it. */
  #fail(invariant: Invariant, what: string): void {
    const seconds = (this.#world.scheduler.nowMs / 1_000).toFixed(3);
    this.violation ??= new Violation(invariant, `${seconds} s: ${what}`);
  }
}

/** Two failures; `inRow`: with never two successes in a row between them. */
function failed(outcomes: readonly boolean[], inRow: boolean): boolean {
  return (inRow ? /-\+?-/ : /-.*-/).test(textOf(outcomes));
}

function recovered(outcomes: readonly boolean[], inRow: boolean): boolean {
  return (inRow ? /\+\+\+/ : /\+.*\+.*\+/).test(textOf(outcomes));
}

const textOf = (outcomes: readonly boolean[]): string =>
  outcomes.map((ok) => (ok ? '+' : '-')).join('');
