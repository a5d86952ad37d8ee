import { Continuity } from './continuity.ts';
import { decideDerived, type Source } from './derived.ts';
import { HealthError } from './health-error.ts';
import { OwnProbes, type ProbeResult } from './own-probes.ts';
import { gatewayKey, type HealthPlan } from './plan.ts';
import type { Derived } from './plan-checks.ts';
import { type Decision, decideByQuorum, decideByRegion } from './quorum.ts';
import type { SavedHealth } from './saved-state.ts';
import type { HealthChange, SubjectStatus, VantageStatus } from './status.ts';
import { type SubjectRecord, SubjectStates } from './subject-states.ts';
import { type VantageChange, Vantages } from './vantages.ts';
import type { Vector } from './vector.ts';

export interface MachineOptions {
  readonly plan: HealthPlan;
  /** Name of this node, unique in its region. */
  readonly node: string;
  /** Higher than that of every earlier process of this node. */
  readonly incarnation: number;
  /** Monotonic time of the start. */
  readonly atMs: number;
  /** See `OwnProbes`. */
  readonly graceMs?: number;
}

/**
 * The whole decision of one node, without I/O: events and monotonic times go in, changes
 * and the vector to push come out.
 *
 *   probe results ─▶ own probes ─▶ own verdicts ─┐
 *   vectors of siblings ─────────────────────────┴▶ word of the own region ─▶ vector()
 *                                                             │
 *   vectors of other regions ─▶ their words ──────────────────┴─▶ decision ─▶ changes
 *
 * A node that stood still, or whose clock jumped, treats its own verdicts as unknown until it
 * has probed again (`continuity.ts`).
 */
export class HealthMachine {
  #plan: HealthPlan;
  #node: string;
  readonly #incarnation: number;
  readonly #own: OwnProbes;
  readonly #continuity: Continuity;
  readonly #vantages: Vantages;
  readonly #states = new SubjectStates();
  /** Subjects on which a word changed since they were decided. */
  readonly #dirty = new Set<string>();
  #changes: HealthChange[] = [];
  #ownDraining = false;
  #sequence = 0;
  #vectorVersion = 0;

  constructor({ plan, node, incarnation, atMs, graceMs = 0 }: MachineOptions) {
    this.#plan = plan;
    this.#node = node;
    this.#incarnation = incarnation;
    this.#vantages = new Vantages(plan, atMs, (change) => this.#take(change));
    this.#continuity = new Continuity(plan.freshnessMs, atMs);
    this.#own = new OwnProbes(plan, graceMs);
    this.reconfigure(plan, atMs);
  }

  /** Rises when the content of `vector()` changes: time to push it. */
  get vectorVersion(): number {
    return this.#vectorVersion;
  }

  /** A probe ended. */
  probed(result: ProbeResult): readonly HealthChange[] {
    this.#pass(result.atMs);
    if (this.trusts(result) && this.#own.record(result)) this.#speak();
    return this.#settle(result.atMs);
  }

  /** False for a result that a stall of this node may have made. */
  trusts(result: ProbeResult): boolean {
    return result.startedMs >= this.#continuity.trustFromMs;
  }

  /**
   * A vector arrived over a connection whose peer proved to be of `fromRegion`. Throws
   * `HealthError` (`foreign_vector`) when that peer may not speak for the vector's region.
   */
  received(fromRegion: string, vector: Vector, atMs: number): readonly HealthChange[] {
    this.#pass(atMs);
    if (this.#accepts(fromRegion, vector)) this.#vantages.hear(vector, atMs);
    return this.#settle(atMs);
  }

  /** Time passed. To be called every 100 ms. */
  tick(atMs: number, wallMs: number): readonly HealthChange[] {
    this.#pass(atMs);
    if (this.#continuity.compare(atMs, wallMs)) {
      this.#forgetOwn();
      this.#vantages.expire(Number.POSITIVE_INFINITY); // what was heard may be older than it seems
    }
    if (this.#own.expire(atMs)) {
      this.#speak();
      for (const subject of this.#plan.subjects.values()) {
        if (this.#own.absent(subject)) this.#dirty.add(subject.key);
      }
    }
    return this.#settle(atMs);
  }

  /** The own node begins or ends to drain. */
  setDraining(draining: boolean, atMs: number): readonly HealthChange[] {
    this.#ownDraining = draining;
    this.#speak();
    return this.#settle(atMs);
  }

  /**
   * Follows a new configuration. States and verdicts of what stays are kept; a target whose
   * address or check changed starts from nothing. The own node may have another name in it.
   */
  reconfigure(plan: HealthPlan, atMs: number, node = this.#node): readonly HealthChange[] {
    this.#plan = plan;
    this.#vantages.reconfigure(plan);
    const renamed = node !== this.#node;
    if (renamed) this.#vantages.forgetOwn(this.#node);
    this.#node = node;
    this.#states.reconfigure(plan.subjects, atMs);
    for (const key of plan.subjects.keys()) this.#dirty.add(key);
    this.#own.reconfigure(plan);
    this.#speak(renamed ? [...this.#own.verdicts.keys()] : []);
    return this.#settle(atMs);
  }

  /** The vector to push now: to nodes of other regions, or of the own one. */
  vector(scope: Vector['scope'] = 'region'): Vector {
    const { own } = this.#vantages;
    const verdicts = scope === 'region' ? own.words() : this.#own.verdicts;
    return { ...this.vectorHead(scope), verdicts: new Map(verdicts) };
  }

  /** The same without its verdicts, which are those of before while `vectorVersion` is. */
  vectorHead(scope: Vector['scope']): Omit<Vector, 'verdicts'> {
    const { draining, drainingNodes } = this.#vantages.own;
    return {
      kind: 'verdicts',
      version: 1,
      scope,
      region: this.#plan.region,
      node: this.#node,
      incarnation: this.#incarnation,
      sequence: ++this.#sequence,
      ...(scope === 'region' ? { draining, drainingNodes } : this.#ownDrain()),
    };
  }

  /** Nodes of the own region that were heard since, this one included. */
  siblingsHeardSince(sinceMs: number): readonly string[] {
    return this.#vantages.own.nodesHeardSince(sinceMs);
  }

  states(): SubjectStatus[] {
    return [...this.#states].map((record) => {
      const detail = this.#own.detail(record.subject);
      const { reason: why } = this.#decide(record);
      const reason = detail === undefined ? why : `${why} (${detail})`;
      const { subject, current, sinceMs, flaps } = record;
      return { subject, state: current, reason, sinceMs, flaps };
    });
  }

  vantages(): VantageStatus[] {
    return this.#vantages.status();
  }

  /** What the vantages that are heard say of the gateway of a region, its own one included. */
  gatewayWords(of: string): { readonly up: number; readonly down: number; readonly all: number } {
    let up = 0;
    let down = 0;
    for (const region of this.#plan.regions) {
      const word = this.#vantages.get(region)?.word(gatewayKey(of));
      if (word === 'up') up++;
      else if (word === 'down') down++;
    }
    return { up, down, all: this.#plan.regions.length };
  }

  /** What this node's own probes say of a target (`ProbeTarget.key`). */
  target(key: string): ReturnType<OwnProbes['target']> {
    return this.#own.target(key);
  }

  exportState(atMs: number): SavedHealth {
    const others = this.vantages().filter(({ region }) => region !== this.#plan.region);
    const drainingIn = others.filter(({ drainingNodes }) => drainingNodes.length > 0);
    return {
      version: 1,
      incarnation: this.#incarnation,
      subjects: this.#states.export(atMs),
      draining: others.filter(({ draining }) => draining).map(({ region }) => region),
      drainingNodes: Object.fromEntries(
        drainingIn.map(({ region, drainingNodes }) => [region, drainingNodes]),
      ),
    };
  }

  /**
   * Takes over what an earlier process saved `ageMs` ago, until there is evidence. To be
   * called before any event.
   */
  restoreState(saved: SavedHealth, ageMs: number, atMs: number): readonly HealthChange[] {
    this.#states.restore(saved.subjects, ageMs, atMs);
    for (const { subject } of this.#states) this.#dirty.add(subject.key);
    this.#vantages.restore(saved);
    return this.#settle(atMs);
  }

  #accepts(fromRegion: string, { scope, region, node }: Vector): boolean {
    const own = this.#plan.region;
    // Siblings say what they see, and pass on what other regions said.
    const entitled =
      scope === 'node'
        ? fromRegion === own && region === own
        : region !== own && (fromRegion === region || fromRegion === own);
    if (!entitled) {
      throw new HealthError('foreign_vector', `${fromRegion} may not send that vector`);
    }
    return !(region === own && node === this.#node);
  }

  /** Before every event: notices a stall, and which vantages have fallen silent. */
  #pass(atMs: number): void {
    if (this.#continuity.pass(atMs)) this.#forgetOwn();
    for (const region of this.#vantages.pass(atMs)) this.#reconsiderServices(region);
  }

  /** What a region decides by itself hangs on its silence and on its gateway. */
  #reconsiderServices(region: string): void {
    for (const { key, region: at, vantages } of this.#plan.subjects.values()) {
      if (at?.name === region && !vantages) this.#dirty.add(key);
    }
  }

  #forgetOwn(): void {
    this.#own.forget();
    this.#speak();
  }

  /** Brings what the own node says into the word of its region. */
  #speak(besides: readonly string[] = []): void {
    const { verdicts } = this.#own;
    const news = this.#own.takeNews();
    // The siblings want it also where it does not change the word of the region.
    if (news.length > 0) this.#vectorVersion++;
    const words = { ...this.#ownDrain(), verdicts };
    this.#vantages.speak(this.#node, words, besides.length > 0 ? [...news, ...besides] : news);
  }

  #ownDrain(): Pick<Vector, 'draining' | 'drainingNodes'> {
    const draining = this.#ownDraining;
    const nodes = draining ? [this.#node] : [];
    return { draining, drainingNodes: this.#vantages.configured(this.#plan.region, nodes) };
  }

  #take({ region, keys, drains }: VantageChange): void {
    for (const key of keys) this.#dirty.add(key);
    this.#changes.push(...drains);
    if (region === this.#plan.region) this.#vectorVersion++;
  }

  #settle(atMs: number): readonly HealthChange[] {
    for (const key of this.#dirty) {
      this.#dirty.delete(key); // what is decided may make it so again
      const record = this.#states.get(key);
      if (record) this.#apply(record, this.#decide(record), atMs);
    }
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  #decide(record: SubjectRecord): Decision {
    const { key, region, vantages, upShare, derived, disabled } = record.subject;
    const { current, said, restoredAgeMs } = record;
    if (disabled) return { state: 'healthy', decided: true, reason: 'its check is disabled' };
    if (derived) return decideDerived(derived, this.#sourcesOf(derived));
    if (!vantages) {
      const name = region?.name ?? '';
      return decideByRegion({
        region: name,
        word: this.#vantages.get(name)?.word(key),
        current,
        said,
        restoredAgeMs,
        silentMs: this.#vantages.silentMs(name),
        silenceLimitMs: this.#vantages.silenceLimitMs,
        gateway: this.#states.get(gatewayKey(name))?.current ?? 'unknown',
      });
    }
    const up: string[] = [];
    const down: string[] = [];
    for (const vantage of vantages) {
      const word = this.#vantages.get(vantage)?.word(key);
      if (word === 'up') up.push(vantage);
      else if (word === 'down') down.push(vantage);
    }
    const own = this.#vantages.own.word(key);
    const absent = this.#own.absent(record.subject);
    const configured = vantages.length;
    return decideByQuorum({
      ...{ configured, up, down, own, upShare, absent, current, restoredAgeMs },
    });
  }

  #sourcesOf({ of }: Derived): Source[] {
    return of.flatMap((key) => {
      const record = this.#states.get(key);
      return record ? { name: record.subject.check?.name ?? key, state: record.current } : [];
    });
  }

  #apply(record: SubjectRecord, decision: Decision, atMs: number): void {
    const change = this.#states.apply(record, decision, atMs);
    if (!change) return;
    const { key, service, address, region } = record.subject;
    if (region && !service && !address) this.#reconsiderServices(region.name);
    for (const dependent of this.#plan.dependents.get(key) ?? []) this.#dirty.add(dependent);
    this.#changes.push(change);
  }
}
