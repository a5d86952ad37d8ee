import type { HealthPlan } from './plan.ts';
import type { SavedHealth } from './saved-state.ts';
import { Silence } from './silence.ts';
import type { HealthChange, VantageStatus } from './status.ts';
import { Vantage, type Words } from './vantage.ts';
import type { Vector } from './vector.ts';

/** What an event changed in what a region says. */
export interface VantageChange {
  readonly region: string;
  /** Subjects on which its word changed. */
  readonly keys: readonly string[];
  readonly drains: readonly HealthChange[];
}

/** Every region as an observer: who says what, who drains, who has fallen silent. */
export class Vantages {
  readonly #onChange: (change: VantageChange) => void;
  readonly #byRegion = new Map<string, Vantage>();
  readonly #silence: Silence;
  #plan: HealthPlan;
  #ofPlan = new WeakMap<Vector['verdicts'], Vector['verdicts']>();

  constructor(plan: HealthPlan, atMs: number, onChange: (change: VantageChange) => void) {
    this.#plan = plan;
    this.#onChange = onChange;
    this.#silence = new Silence(atMs);
  }

  get own(): Vantage {
    return this.#byRegion.get(this.#plan.region) as Vantage; // of every plan, see `reconfigure`
  }

  get(region: string): Vantage | undefined {
    return this.#byRegion.get(region);
  }

  reconfigure(plan: HealthPlan): void {
    this.#plan = plan;
    this.#ofPlan = new WeakMap();
    for (const region of this.#byRegion.keys()) {
      if (!plan.regions.includes(region)) this.#byRegion.delete(region);
    }
    for (const region of plan.regions) {
      if (!this.#byRegion.has(region)) this.#byRegion.set(region, new Vantage(region));
    }
  }

  /** Who drained, but the own region, until they say something. Before any event. */
  restore({ draining, drainingNodes }: SavedHealth): void {
    for (const region of this.#byRegion.keys()) {
      if (region === this.#plan.region) continue;
      const nodes = this.configured(region, drainingNodes[region] ?? []);
      this.#byRegion.set(region, new Vantage(region, draining.includes(region), nodes));
    }
  }

  /** What the own node says; `news`: subjects on which that changed. */
  speak(node: string, words: Words, news: readonly string[]): void {
    this.#attend(this.own, (own) => own.speak(node, words, news));
  }

  /** The own node has another name now. */
  forgetOwn(node: string): void {
    this.#attend(this.own, (own) => own.forget(node));
  }

  /** Takes in what a configured region said. */
  hear(vector: Vector, atMs: number): void {
    const vantage = this.#byRegion.get(vector.region);
    if (!vantage) return;
    const verdicts = this.#known(vector.verdicts);
    const drainingNodes = this.configured(vector.region, vector.drainingNodes);
    this.#attend(vantage, () =>
      vantage.receive({ ...vector, verdicts, drainingNodes }, atMs, this.#plan.freshnessMs),
    );
  }

  /** Those on subjects of the plan; the same for the same. */
  #known(verdicts: Vector['verdicts']): Vector['verdicts'] {
    let known = this.#ofPlan.get(verdicts);
    if (!known) {
      known = new Map([...verdicts].filter(([key]) => this.#plan.subjects.has(key)));
      this.#ofPlan.set(verdicts, known);
    }
    return known;
  }

  /** Nodes last heard before `sinceMs` do not count any more. */
  expire(sinceMs: number): void {
    for (const vantage of this.#byRegion.values()) {
      this.#attend(vantage, () => vantage.expire(sinceMs));
    }
  }

  /** Time passed. Returns the regions that fell silent, or are silent no more. */
  pass(atMs: number): readonly string[] {
    this.expire(atMs - this.#plan.freshnessMs);
    const others = [...this.#byRegion.values()].filter((vantage) => vantage !== this.own);
    return this.#silence.pass(atMs, this.silenceLimitMs, others);
  }

  /** For how long a region has not been heard; 0 for the own one. */
  silentMs(region: string): number {
    if (region === this.#plan.region) return 0;
    return this.#silence.lastsMs(this.#byRegion.get(region)?.heardMs);
  }

  get silenceLimitMs(): number {
    return Silence.limitMs(this.#plan.freshnessMs);
  }

  status(): VantageStatus[] {
    return [...this.#byRegion.values()].map(
      ({ region, draining, drainingNodes, heardMs, fresh }) => ({
        region,
        draining,
        drainingNodes,
        heardMs,
        fresh,
      }),
    );
  }

  /**
   * Those of `nodes` that the region has: what a region says of nodes that are not its own
   * is left aside. Of a region with one node, that the region drains says it all: none.
   */
  configured(region: string, nodes: readonly string[]): readonly string[] {
    const names = this.#plan.nodes.get(region);
    return nodes.filter((node) => names?.has(node));
  }

  #attend(vantage: Vantage, change: (vantage: Vantage) => readonly string[]): void {
    const { region, draining: drainedBefore, drainingNodes: before } = vantage;
    const keys = change(vantage);
    const { draining, drainingNodes } = vantage;
    const drains = drainingNodes === before ? [] : nodeDrains(region, before, drainingNodes);
    if (draining !== drainedBefore) drains.push({ kind: 'draining', region, draining });
    if (keys.length > 0 || drains.length > 0) this.#onChange({ region, keys, drains });
  }
}

function nodeDrains(
  region: string,
  before: readonly string[],
  after: readonly string[],
): HealthChange[] {
  const tell = (draining: boolean) => (node: string) =>
    ({ kind: 'nodeDraining', region, node, draining }) as const;
  return [
    ...before.filter((node) => !after.includes(node)).map(tell(false)),
    ...after.filter((node) => !before.includes(node)).map(tell(true)),
  ];
}
