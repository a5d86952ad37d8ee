import assert from 'node:assert/strict';
import type { Facts, LeaseRules, LeaseSettings } from '../../../src/exclusive/lease-rules.ts';
import { Scheduler } from '../scheduler.ts';
import { between, pick, seededRandom } from '../seeded-random.ts';
import { LeaseJudge } from './lease-judge.ts';
import { LeaseNode } from './lease-node.ts';
import { LeaseStore } from './lease-store.ts';

/** A mistake that the simulation must find. */
export interface Plant {
  readonly rules?: LeaseRules;
  readonly wallClock?: boolean;
  /** Renewals overwrite whatever stands there. */
  readonly blindRenewals?: boolean;
  readonly forgetsSiblings?: boolean;
  readonly forgetsHolders?: boolean;
  readonly ownTokens?: boolean;
  /** Settings that do not change, and the only faults: those that it takes to see it. */
  readonly settings?: Partial<LeaseSettings>;
  readonly faults?: readonly string[];
}

/** What was true of a region's health for some time; nodes learn of it late. */
const knownAfterMs = 2_000;
const longestLeaseMs = 15_000;

/** A deployment with one exclusive set, its store, and the judge. */
export class LeaseWorld {
  readonly scheduler = new Scheduler();
  readonly random: () => number;
  readonly store: LeaseStore;
  readonly regions: readonly string[];
  readonly nodes: LeaseNode[] = [];
  readonly #plant: Plant;
  readonly #judge: LeaseJudge;
  /** Of the newest revision. */
  #settings: LeaseSettings;
  readonly #lines: string[] = [];
  readonly #sick = new Set<string>();
  readonly #links = new Set<string>();
  /** Until when each region was unfit by the truth; `Infinity`: it is. */
  readonly #unfitMs = new Map<string, number>();
  #tenures = 0;
  /** Who starts before may meet claims that the store, set back, does not know of. */
  #quietUntilMs = 0;

  constructor(seed: number, plant: Plant = {}) {
    const random = seededRandom(seed);
    this.random = random;
    this.#plant = plant;
    this.store = new LeaseStore(this.scheduler, random);
    if (plant.blindRenewals) this.store.blind = new Set(['renew']);
    this.store.forgetsSiblings = plant.forgetsSiblings ?? false;
    this.store.forgetsHolders = plant.forgetsHolders ?? false;
    this.store.ownTokens = plant.ownTokens ?? false;
    this.regions = ['a', 'b', 'c', 'd', 'e'].slice(0, pick(random, [3, 3, 5]));
    this.#settings = this.#someSettings();
    this.#judge = new LeaseJudge(this.nodes, (node) => {
      this.#tenures++;
      this.#log(`${node.name} is active, token ${node.token}`);
    });
    for (const region of this.regions) {
      for (let count = pick(random, [1, 1, 2, 3]); count > 0; count--) this.addNode(region);
    }
    this.#log(JSON.stringify(this.#settings));
  }

  get settings(): LeaseSettings {
    return this.#settings;
  }

  /** Changes between regions. */
  get tenures(): number {
    return this.#tenures;
  }

  #someSettings(): LeaseSettings {
    const { random } = this;
    const leaseMs = pick(random, [2_000, 5_000, 5_000, longestLeaseMs]);
    const marginMs = leaseMs * pick(random, [0.1, 0.1, 0.2]);
    const regions = this.regions.slice(0, pick(random, [2, this.regions.length]));
    if (random() < 0.3) regions.reverse();
    const hold = random() < 0.3;
    const prefer = pick(random, ['holder', 'first'] as const);
    const fixed = this.#plant.settings;
    return { name: 'set', regions, leaseMs, marginMs, hold, prefer, ...fixed };
  }

  /** A revision with other settings of the set: nodes hear of it one by one. */
  applyRevision(): void {
    const settings = this.#someSettings();
    this.#settings = settings;
    this.#log(`revision: ${JSON.stringify(settings)}`);
    for (const node of this.nodes) {
      this.scheduler.after(between(this.random, 0, 8_000), () => {
        if (settings === this.#settings) node.configure(settings);
      });
    }
  }

  addNode(region: string): LeaseNode {
    const number = this.nodes.filter((node) => node.region === region).length;
    const node = new LeaseNode({
      region,
      name: `${region}${number}`,
      settings: this.#settings,
      regions: this.regions,
      rules: this.#plant.rules,
      // Within the margin, as the holder's and the other's come together.
      rate: 1 + between(this.random, -0.08, 0.08),
      wallClock: this.#plant.wallClock ?? false,
      scheduler: this.scheduler,
      store: this.store,
      facts: (of) => this.#facts(of),
      onStep: (of) => this.#judge.look(of, this.scheduler.nowMs),
      onAcquire: (of) => this.#judgeAcquire(of),
    });
    this.nodes.push(node);
    return node;
  }

  /** Unless it runs, or never will again. */
  start(node: LeaseNode): void {
    const quietMs = this.#quietUntilMs - this.scheduler.nowMs;
    if (quietMs > 0) this.scheduler.after(quietMs, () => this.start(node));
    else if (!node.running && !node.lost) node.start();
  }

  /** Whether the region has nodes to lose. */
  livingIn(region: string): LeaseNode[] {
    return this.nodes.filter((node) => node.region === region && !node.lost);
  }

  /**
   * Sets the store back, once, to what every running node knows more than. Who holds does so by a
   * word that stands in the older entry too: else nobody could know.
   */
  setBack(): void {
    if (this.#quietUntilMs > 0) return;
    const { store, random } = this;
    const running = this.nodes.filter((node) => node.running);
    const knownRevision = Math.min(...running.map((node) => node.knownRevision));
    const { document } = store.latest;
    const holding = this.holding();
    const candidates = store.entries.filter(
      (entry) =>
        entry.revision < knownRevision &&
        (holding.length === 0 ||
          (entry.document?.holder === document?.holder &&
            holding.every((name) => entry.document?.nodes[name]?.hold))),
    );
    if (candidates.length === 0) return;
    if (holding.length === 0 && random() < 0.3) store.empty();
    else store.restore(pick(random, candidates));
    this.#log(`the store is set back to ${store.latest.revision}`);
    this.#judge.restoredMs = this.scheduler.nowMs;
    this.#quietUntilMs = this.scheduler.nowMs + longestLeaseMs * 1.4;
  }

  /** Nodes that hold, as the store has it. */
  holding(): string[] {
    const entries = Object.entries(this.store.latest.document?.nodes ?? {});
    return entries.flatMap(([name, { hold }]) => (hold ? [name] : []));
  }

  /** An operator looks after those who hold, and asks by force if all of them have stopped. */
  force(to: string): void {
    const isStopped = (name: string) => !this.nodes.some((one) => one.name === name && one.running);
    const holding = this.holding();
    const stopped = holding.filter(isStopped);
    const isOwn = this.store.latest.document?.holder === to;
    if (stopped.length === 0 || (!isOwn && stopped.length < holding.length)) return;
    this.#log(`an operator forces ${to}`);
    const highest = this.nodes.map((node) => (node.running ? node.highestRevision : 0));
    this.store.ask({ to, force: true }, stopped, Math.max(...highest));
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

  #judgeAcquire(node: LeaseNode): void {
    this.#log(`${node.name} asks for the lease`);
    assert.ok(this.#isKnownFit(node.region), `${node.name} asks without a quorum`);
  }

  /** Requests and look-ups come at any time, at any node. */
  serveSome(): void {
    for (const node of this.nodes) {
      if (node.running && !node.paused) this.#judge.look(node, this.scheduler.nowMs);
    }
  }

  /** After the faults: one region that may be, all its nodes, and all name servers say so. */
  assertSettled(): void {
    const living = this.nodes.filter((node) => !node.lost);
    const states = () =>
      living
        .map(({ name, active, named, because }) => `${name}: ${active} ${named} ${because}`)
        .join('\n');
    const active = new Set(living.filter((node) => node.active).map(({ region }) => region));
    assert.equal(active.size, 1, `active: ${[...active]}\n${states()}`);
    const region = [...active][0]!;
    assert.ok(this.#settings.regions.includes(region), `${region} may not be\n${states()}`);
    for (const node of living) {
      assert.equal(node.named, region, `${node.name} names ${node.named}\n${states()}`);
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
