import type { SimulatedNode } from '../simulated-node.ts';
import type { Probed, World } from '../world.ts';

/** What a probe of one node at one place would meet. */
type Path = 'good' | 'bad' | 'lossy';
type What = 'gateway' | 'service';

interface PathRecord {
  path: Path;
  notGoodMs: number;
  notBadMs: number;
}

interface Outcome {
  readonly atMs: number;
  readonly ok: boolean;
}

/**
 * What an answer may still rest on: a probe that began, damping (three probes), a frame that
 * is late, the freshness of what was heard.
 */
const memoryMs = 20_000;
/** A node speaks for itself again this long after it started, stood still or lost its clock. */
const recoveredMs = 12_000;
/** One whose clock was set back while its disk was lost is not heard for that long. */
const forgottenMs = 32_000;
const keptOutcomes = 400;

/** What really was the case, as no node can know it. */
export class Truth {
  readonly #world: World;
  readonly #paths = new Map<string, PathRecord>();
  readonly #outcomes = new Map<string, Outcome[]>();
  readonly #heardMs = new Map<string, number>();
  readonly #undisturbedSinceMs = new Map<string, number>();
  readonly #pausedSinceMs = new Map<string, number>();
  readonly #drainedMs = new Map<string, number>();
  readonly #drainsSinceMs = new Map<string, number>();
  /** By node: when its last stand-still ended, and how long the longest of late was. */
  readonly #stoodStill = new Map<string, { endMs: number; durationMs: number }>();

  constructor(world: World) {
    this.#world = world;
    this.look();
  }

  /** To be called after whatever may have changed the world. */
  look(): void {
    const { nodes, outside, scheduler } = this.#world;
    for (const from of nodes) {
      this.#lookAt(from, scheduler.nowMs);
      for (const to of nodes) {
        this.#note(from, to, 'gateway');
        if (to.region === from.region) this.#note(from, to, 'service');
      }
      this.#note(from, outside, 'service');
    }
  }

  probed(node: SimulatedNode, place: string, ok: boolean): void {
    const key = `${node.name}>${place}`;
    const outcomes = this.#outcomes.get(key) ?? [];
    outcomes.push({ atMs: this.#world.scheduler.nowMs, ok });
    if (outcomes.length > keptOutcomes) outcomes.shift();
    this.#outcomes.set(key, outcomes);
  }

  heard(node: SimulatedNode, region: string): void {
    this.#heardMs.set(`${node.name}<${region}`, this.#world.scheduler.nowMs);
  }

  started(node: SimulatedNode, fromNothing: boolean): void {
    const untilMs = this.#world.scheduler.nowMs + (fromNothing ? forgottenMs - recoveredMs : 0);
    this.#undisturbedSinceMs.set(node.name, untilMs);
    for (const key of this.#heardMs.keys()) {
      if (key.startsWith(`${node.name}<`)) this.#heardMs.delete(key);
    }
  }

  jumped(node: SimulatedNode): void {
    this.#disturb(node.name, this.#world.scheduler.nowMs);
  }

  /**
   * From when on something may still be the reason of what a node does now. One that stood
   * still takes in first what it was told meanwhile; where regions have several nodes, that
   * holds for all of those as well that pass on words.
   */
  sinceMs(node: SimulatedNode): number {
    const { nowMs } = this.#world.scheduler;
    const several = this.#world.nodes.some(({ name, region }) => name !== region);
    const stood = [...this.#stoodStill].filter(([name]) => several || name === node.name);
    const ended = stood.map(([, { endMs, durationMs }]) =>
      endMs > nowMs - memoryMs ? durationMs : 0,
    );
    const lasting = [...this.#pausedSinceMs]
      .filter(([name]) => several || name === node.name)
      .map(([, sinceMs]) => nowMs - sinceMs);
    return nowMs - memoryMs - Math.max(0, ...ended, ...lasting);
  }

  /** Whether that node heard that region just now; the own one always. */
  hears(node: SimulatedNode, region: string, withinMs: number): boolean {
    if (node.region === region) return true;
    const heardMs = this.#heardMs.get(`${node.name}<${region}`);
    return heardMs !== undefined && heardMs >= this.#world.scheduler.nowMs - withinMs;
  }

  /** Whether all nodes of the region ran without a break for long. */
  undisturbed(region: string): boolean {
    const { nodes, scheduler } = this.#world;
    return nodes
      .filter((node) => node.region === region)
      .every(
        ({ name, running, paused }) =>
          running &&
          !paused &&
          (this.#undisturbedSinceMs.get(name) ?? 0) <= scheduler.nowMs - recoveredMs,
      );
  }

  /** Whether that path was anything but good, or anything but bad, since then. */
  wasNotGood(from: SimulatedNode, to: Probed, what: What, sinceMs: number): boolean {
    return this.#path(from, to, what).notGoodMs >= sinceMs;
  }

  wasNotBad(from: SimulatedNode, to: Probed, what: What, sinceMs: number): boolean {
    return this.#path(from, to, what).notBadMs >= sinceMs;
  }

  /** What a probe would meet now. */
  path(from: SimulatedNode, to: Probed, what: What): Path {
    const { network } = this.#world;
    const reachable =
      network.connected(from.name, to.name) && (to.region === from.region || to.published);
    const alive = what === 'service' ? to.serviceAlive : to.gateway === 'serving';
    const loss = from === to ? 0 : network.lossOf(from.name);
    if (!reachable || !alive || loss >= 1) return 'bad';
    return loss > 0 ? 'lossy' : 'good';
  }

  /** Outcomes of the probes of a node at host and path that may still count, oldest first. */
  outcomes(node: SimulatedNode, place: string, sinceMs: number): readonly boolean[] {
    const outcomes = this.#outcomes.get(`${node.name}>${place}`) ?? [];
    return outcomes.filter(({ atMs }) => atMs >= sinceMs).map(({ ok }) => ok);
  }

  /** Probes that the node ended since its process began. */
  endedSince(node: SimulatedNode, sinceMs: number): number {
    let count = 0;
    for (const [key, outcomes] of this.#outcomes) {
      if (!key.startsWith(`${node.name}>`)) continue;
      count = Math.max(count, outcomes.filter(({ atMs }) => atMs > sinceMs).length);
    }
    return count;
  }

  /** Whether that node drained since then. */
  drained(name: string, sinceMs: number): boolean {
    return (this.#drainedMs.get(name) ?? Number.NEGATIVE_INFINITY) >= sinceMs;
  }

  /** Whether that node has drained since before then. */
  drainsSince(name: string, sinceMs: number): boolean {
    return (this.#drainsSinceMs.get(name) ?? Number.POSITIVE_INFINITY) < sinceMs;
  }

  drainsNow(name: string): boolean {
    return this.#drainsSinceMs.has(name);
  }

  draining(name: string, draining: boolean): void {
    if (draining) this.#drainsSinceMs.set(name, this.#world.scheduler.nowMs);
    else this.#drainsSinceMs.delete(name);
    if (!draining && !this.#drainedMs.has(name)) return;
    this.#drainedMs.set(name, draining ? Number.POSITIVE_INFINITY : this.#world.scheduler.nowMs);
  }

  #lookAt({ name, running, paused }: SimulatedNode, nowMs: number): void {
    const sinceMs = this.#pausedSinceMs.get(name);
    if (running && paused) {
      if (sinceMs === undefined) this.#pausedSinceMs.set(name, nowMs);
    } else if (sinceMs !== undefined) {
      const durationMs = nowMs - sinceMs;
      const before = this.#stoodStill.get(name);
      const stillCounts = before && before.endMs > nowMs - memoryMs ? before.durationMs : 0;
      this.#stoodStill.set(name, { endMs: nowMs, durationMs: Math.max(durationMs, stillCounts) });
      this.#pausedSinceMs.delete(name);
      this.#disturb(name, nowMs);
    }
  }

  #disturb(name: string, nowMs: number): void {
    this.#undisturbedSinceMs.set(name, Math.max(this.#undisturbedSinceMs.get(name) ?? 0, nowMs));
  }

  #note(from: SimulatedNode, to: Probed, what: What): void {
    const { nowMs } = this.#world.scheduler;
    const record = this.#path(from, to, what);
    // What held until now, and what holds from now on.
    if (record.path !== 'good') record.notGoodMs = nowMs;
    if (record.path !== 'bad') record.notBadMs = nowMs;
    record.path = this.path(from, to, what);
    if (record.path !== 'good') record.notGoodMs = Number.POSITIVE_INFINITY;
    if (record.path !== 'bad') record.notBadMs = Number.POSITIVE_INFINITY;
  }

  #path(from: SimulatedNode, to: Probed, what: What): PathRecord {
    const key = `${from.name}>${to.name} ${what}`;
    let record = this.#paths.get(key);
    if (!record) {
      record = { path: 'good', notGoodMs: Number.NEGATIVE_INFINITY, notBadMs: 0 };
      this.#paths.set(key, record);
    }
    return record;
  }
}
