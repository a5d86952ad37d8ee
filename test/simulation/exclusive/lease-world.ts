import assert from 'node:assert/strict';
import type { Facts, LeaseRules, LeaseSettings } from '../../../src/exclusive/lease-rules.ts';
import { Scheduler } from '../scheduler.ts';
import { between, pick, seededRandom } from '../seeded-random.ts';
import { LeaseNode } from './lease-node.ts';
import { LeaseStore } from './lease-store.ts';

/** A mistake that the simulation must find. */
export interface Plant {
  readonly rules?: LeaseRules;
  readonly wallClock?: boolean;
  /** Renewals overwrite whatever stands there. */
  readonly blindRenewals?: boolean;
  readonly forgetsSiblings?: boolean;
}

/** What was true of a region's health for some time; nodes learn of it late. */
const knownAfterMs = 2_000;

const fail = (message: string): never => assert.fail(message);

/**
 * A deployment with one exclusive set, its store, and the judge: at every step in real time,
 * what gateways would serve and name servers would name is held against what may not be.
 */
export class LeaseWorld {
  readonly scheduler = new Scheduler();
  readonly random: () => number;
  readonly store: LeaseStore;
  readonly settings: LeaseSettings;
  readonly regions: readonly string[];
  readonly nodes: LeaseNode[] = [];
  readonly #lines: string[] = [];
  readonly #sick = new Set<string>();
  readonly #links = new Set<string>();
  /** Until when each region was fit by the truth, or has been since it began to be. */
  readonly #unfitMs = new Map<string, number>();
  #highest = 0;
  #tenures = 0;
  #activeRegion: string | undefined;

  constructor(seed: number, plant: Plant = {}) {
    const random = seededRandom(seed);
    this.random = random;
    this.store = new LeaseStore(this.scheduler, random);
    if (plant.blindRenewals) this.store.blind = new Set(['renew']);
    this.store.forgetsSiblings = plant.forgetsSiblings ?? false;
    const all = ['a', 'b', 'c', 'd', 'e'].slice(0, pick(random, [3, 3, 5]));
    this.regions = all;
    const leaseMs = pick(random, [2_000, 5_000, 5_000, 15_000]);
    const marginMs = leaseMs / 10;
    const regions = all.slice(0, pick(random, [2, all.length]));
    const hold = random() < 0.15;
    const prefer = pick(random, ['holder', 'first'] as const);
    this.settings = { name: 'set', regions, leaseMs, marginMs, hold, prefer };
    for (const region of all) this.#addNodes(region, pick(random, [1, 1, 2, 3]), plant);
    this.#log(`${JSON.stringify(this.settings)}`);
  }

  /** Changes between regions. */
  get tenures(): number {
    return this.#tenures;
  }

  #addNodes(region: string, count: number, plant: Plant): void {
    for (let at = 0; at < count; at++) {
      const node = new LeaseNode({
        region,
        name: `${region}${at}`,
        settings: this.settings,
        rules: plant.rules,
        // Within the margin, as the holder's and the other's come together.
        rate: 1 + between(this.random, -0.08, 0.08),
        wallClock: plant.wallClock ?? false,
        scheduler: this.scheduler,
        store: this.store,
        facts: (of) => this.#facts(of),
        onStep: (of) => this.#judge(of),
        onAcquire: (of) => this.#judgeAcquire(of),
      });
      this.nodes.push(node);
    }
  }

  advance(ms: number): void {
    this.scheduler.advance(ms);
  }

  fault(text: string): void {
    this.#log(text);
  }

  setSick(region: string, sick: boolean): void {
    if (sick) this.#sick.add(region);
    else this.#sick.delete(region);
    this.#noteFitness();
  }

  cutLink(one: string, other: string): void {
    this.#links.add([one, other].sort().join(' '));
    this.#noteFitness();
  }

  heal(): void {
    this.#links.clear();
    this.#sick.clear();
    this.store.down = false;
    for (const region of this.regions)
      Object.assign(this.store.weather(region), { loss: 0, cut: false });
    this.#noteFitness();
  }

  /** By the truth: well, and heard by most. */
  #isFit(region: string): boolean {
    const heard = this.regions.filter(
      (other) => other === region || !this.#links.has([region, other].sort().join(' ')),
    );
    return !this.#sick.has(region) && heard.length > this.regions.length / 2;
  }

  #noteFitness(): void {
    for (const region of this.regions) {
      if (this.#isFit(region)) {
        if (this.#unfitMs.get(region) === Number.POSITIVE_INFINITY)
          this.#unfitMs.set(region, this.scheduler.nowMs);
      } else if (this.#unfitMs.get(region) !== Number.POSITIVE_INFINITY) {
        this.#unfitMs.set(region, Number.POSITIVE_INFINITY);
      }
    }
  }

  /** Known to be fit: for some time, without a break. */
  #isKnownFit(region: string): boolean {
    const unfitMs = this.#unfitMs.get(region) ?? Number.NEGATIVE_INFINITY;
    return unfitMs + knownAfterMs <= this.scheduler.nowMs;
  }

  #facts(node: LeaseNode): Facts {
    const { region } = node;
    const hasLooked = this.scheduler.nowMs - node.startedMs > knownAfterMs;
    return {
      promotable: hasLooked && this.#isKnownFit(region),
      failing: hasLooked && this.#sick.has(region),
      leaving: node.leaving,
      wallMs: node.wallMs,
      healthy: (other) => this.#isKnownFit(other),
    };
  }

  /** A claim begins or grows in a step only, so that is when two could meet. */
  #judge(node: LeaseNode): void {
    const { active, named, region, token, name } = node;
    // The last known other one, or nothing.
    if (node.running && active !== (named === region)) fail(`${name} names ${named}`);
    if (!active) return;
    const nowMs = this.scheduler.nowMs;
    for (const other of this.nodes) {
      if (other.region !== region && other.active) {
        fail(`${name} and ${other.name} are active at ${nowMs}`);
      }
    }
    if (token < this.#highest) fail(`token ${token} after ${this.#highest}`);
    if (this.#activeRegion !== region) {
      if (token === this.#highest) fail('another region with the same token');
      this.#activeRegion = region;
      this.#tenures++;
      this.#log(`${name} is active, token ${token}`);
    }
    this.#highest = token;
    const ageMs = nowMs - node.confirmedSentMs;
    if (!this.settings.hold && ageMs > this.settings.leaseMs * 1.1) {
      fail(`${name} is active ${ageMs} ms after its last word`);
    }
  }

  #judgeAcquire(node: LeaseNode): void {
    this.#log(`${node.name} asks for the lease`);
    assert.ok(this.#isKnownFit(node.region), `${node.name} asks without a quorum`);
  }

  /** Requests and look-ups come at any time, at any node. */
  serveSome(): void {
    for (const node of this.nodes) {
      if (node.running && !node.paused) this.#judge(node);
    }
  }

  /** After the faults: one region, all its nodes, and all name servers say so. */
  assertSettled(): void {
    const states = () =>
      this.nodes.map(
        ({ name, active, named, because }) => `${name}: ${active} ${named} ${because}`,
      );
    const active = new Set(this.nodes.filter((node) => node.active).map(({ region }) => region));
    assert.equal(active.size, 1, `active: ${[...active]}\n${states().join('\n')}`);
    const [region] = active;
    for (const node of this.nodes) {
      assert.equal(node.named, region, `${node.name} names ${node.named}\n${states().join('\n')}`);
      if (node.region === region)
        assert.ok(node.active, `${node.name} is not active: ${node.because}`);
    }
  }

  transcript(): string {
    return this.#lines.join('\n');
  }

  #log(text: string): void {
    this.#lines.push(`${this.scheduler.nowMs.toFixed(0).padStart(8)} ${text}`);
  }
}
