import { Continuity } from './continuity.ts';
import { HealthError } from './health-error.ts';
import { OwnProbes, type ProbeResult } from './own-probes.ts';
import { gatewayKey, type HealthPlan, type Subject } from './plan.ts';
import { type Decision, decideByQuorum, decideByRegion } from './quorum.ts';
import type { SavedHealth } from './saved-state.ts';
import type { HealthChange, SubjectStatus, VantageStatus } from './status.ts';
import type { StateName } from './table.ts';
import { Vantage } from './vantage.ts';
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

interface SubjectRecord {
  subject: Subject;
  current: StateName;
  /** The last state that there was evidence for, or that the disk held. */
  said: StateName;
  sinceMs: number;
  flaps: number;
  restoredAgeMs: number | undefined;
}

/** On top of freshness: a region silent for longer has not just lost a few messages. */
const silenceMarginMs = 2_000;

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
  readonly #node: string;
  readonly #incarnation: number;
  readonly #own: OwnProbes;
  readonly #continuity: Continuity;
  readonly #vantages = new Map<string, Vantage>();
  readonly #records = new Map<string, SubjectRecord>();
  /** Subjects on which a word changed since they were decided. */
  readonly #dirty = new Set<string>();
  /** Regions silent for so long that the loss of their gateway is the loss of them. */
  readonly #silent = new Set<string>();
  readonly #startedMs: number;
  #nowMs: number;
  #changes: HealthChange[] = [];
  #ownDraining = false;
  #sequence = 0;
  #vectorVersion = 0;

  constructor({ plan, node, incarnation, atMs, graceMs = 0 }: MachineOptions) {
    this.#plan = plan;
    this.#node = node;
    this.#incarnation = incarnation;
    this.#startedMs = atMs;
    this.#nowMs = atMs;
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
    if (this.#accepts(fromRegion, vector)) {
      const vantage = this.#vantages.get(vector.region);
      if (vantage) this.#hear(vantage, vector, atMs);
    }
    return this.#settle(atMs);
  }

  /** Time passed. To be called every 100 ms. */
  tick(atMs: number, wallMs: number): readonly HealthChange[] {
    this.#pass(atMs);
    if (this.#continuity.compare(atMs, wallMs)) {
      this.#forgetOwn();
      this.#expire(Number.POSITIVE_INFINITY); // what was heard may be older than it seems
    }
    if (this.#own.expire(atMs)) this.#speak();
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
   * address or check changed starts from nothing.
   */
  reconfigure(plan: HealthPlan, atMs: number): readonly HealthChange[] {
    this.#plan = plan;
    for (const region of this.#vantages.keys()) {
      if (!plan.regions.includes(region)) this.#vantages.delete(region);
    }
    for (const region of plan.regions) {
      if (!this.#vantages.has(region)) this.#vantages.set(region, new Vantage(region));
    }
    const before = new Map(this.#records);
    this.#records.clear();
    for (const subject of plan.subjects.values()) {
      const kept = before.get(subject.key) ?? newRecord(subject, atMs);
      this.#records.set(subject.key, { ...kept, subject });
      this.#dirty.add(subject.key);
    }
    this.#own.reconfigure(plan);
    this.#speak();
    return this.#settle(atMs);
  }

  /** The vector to push now: to nodes of other regions, or of the own one. */
  vector(scope: Vector['scope'] = 'region'): Vector {
    const ofRegion = scope === 'region';
    return {
      kind: 'verdicts',
      version: 1,
      scope,
      region: this.#plan.region,
      node: this.#node,
      incarnation: this.#incarnation,
      sequence: ++this.#sequence,
      draining: ofRegion ? this.#ownVantage().draining : this.#ownDraining,
      verdicts: new Map(ofRegion ? this.#ownVantage().words() : this.#own.verdicts),
    };
  }

  states(): SubjectStatus[] {
    return [...this.#records.values()].map((record) => {
      const detail = this.#own.detail(record.subject);
      const { reason: why } = this.#decide(record);
      const reason = detail === undefined ? why : `${why} (${detail})`;
      const { subject, current, sinceMs, flaps } = record;
      return { subject, state: current, reason, sinceMs, flaps };
    });
  }

  vantages(): VantageStatus[] {
    return [...this.#vantages.values()].map(({ region, draining, heardMs, fresh }) => ({
      region,
      draining,
      heardMs,
      fresh,
    }));
  }

  /** What this node's own probes say of a target (`ProbeTarget.key`). */
  target(key: string): ReturnType<OwnProbes['target']> {
    return this.#own.target(key);
  }

  exportState(atMs: number): SavedHealth {
    const saved = [...this.#records].map(([key, { current, sinceMs, flaps }]) => [
      key,
      { state: current, forMs: Math.max(0, Math.round(atMs - sinceMs)), flaps },
    ]);
    const draining = this.vantages().filter((region) => region.draining);
    return {
      version: 1,
      incarnation: this.#incarnation,
      subjects: Object.fromEntries(saved),
      draining: draining.map(({ region }) => region).filter((name) => name !== this.#plan.region),
    };
  }

  /**
   * Takes over what an earlier process saved `ageMs` ago, until there is evidence. To be
   * called before any event.
   */
  restoreState(saved: SavedHealth, ageMs: number, atMs: number): readonly HealthChange[] {
    for (const [key, { state, forMs, flaps }] of Object.entries(saved.subjects)) {
      const record = this.#records.get(key);
      if (!record) continue;
      record.current = state;
      record.said = state;
      record.flaps = flaps;
      record.sinceMs = atMs - ageMs - forMs;
      record.restoredAgeMs = ageMs;
      this.#dirty.add(key);
    }
    for (const region of saved.draining) {
      if (region === this.#plan.region || !this.#vantages.has(region)) continue;
      this.#vantages.set(region, new Vantage(region, true));
    }
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

  #ownVantage(): Vantage {
    return this.#vantages.get(this.#plan.region) as Vantage; // of every plan, see `reconfigure`
  }

  /** Before every event: notices a stall, and which vantages have fallen silent. */
  #pass(atMs: number): void {
    this.#nowMs = atMs;
    if (this.#continuity.pass(atMs)) this.#forgetOwn();
    this.#expire(atMs - this.#plan.freshnessMs);
    for (const { region } of this.#vantages.values()) {
      const silent = this.#silentMs(region) >= this.#silenceLimitMs;
      if (silent === this.#silent.has(region)) continue;
      if (silent) this.#silent.add(region);
      else this.#silent.delete(region);
      this.#reconsiderServices(region);
    }
  }

  get #silenceLimitMs(): number {
    return this.#plan.freshnessMs + silenceMarginMs;
  }

  /** Of a region never heard: since the start. */
  #silentMs(region: string): number {
    if (region === this.#plan.region) return 0;
    return this.#nowMs - (this.#vantages.get(region)?.heardMs ?? this.#startedMs);
  }

  /** What a region decides by itself hangs on its silence and on its gateway. */
  #reconsiderServices(region: string): void {
    for (const { key, region: at, vantages } of this.#plan.subjects.values()) {
      if (at.name === region && !vantages) this.#dirty.add(key);
    }
  }

  #expire(sinceMs: number): void {
    for (const vantage of this.#vantages.values()) {
      for (const key of vantage.expire(sinceMs)) this.#dirty.add(key);
    }
  }

  #forgetOwn(): void {
    this.#own.forget();
    this.#speak();
  }

  /** Brings what the own node says into the word of its region. */
  #speak(): void {
    this.#attend(this.#ownVantage(), (own) =>
      own.speak(this.#node, this.#own.verdicts, this.#ownDraining),
    );
  }

  #hear(vantage: Vantage, vector: Vector, atMs: number): void {
    const known = [...vector.verdicts].filter(([key]) => this.#plan.subjects.has(key));
    this.#attend(vantage, () =>
      vantage.receive({ ...vector, verdicts: new Map(known) }, atMs, this.#plan.freshnessMs),
    );
  }

  #attend(vantage: Vantage, change: (vantage: Vantage) => readonly string[]): void {
    const { region, draining: drainedBefore } = vantage;
    const keys = change(vantage);
    for (const key of keys) this.#dirty.add(key);
    const { draining } = vantage;
    if (draining !== drainedBefore) this.#changes.push({ kind: 'draining', region, draining });
    if (region === this.#plan.region && (keys.length > 0 || draining !== drainedBefore)) {
      this.#vectorVersion++;
    }
  }

  #settle(atMs: number): readonly HealthChange[] {
    for (const key of this.#dirty) {
      const record = this.#records.get(key);
      if (record) this.#apply(record, this.#decide(record), atMs);
    }
    this.#dirty.clear();
    const changes = this.#changes;
    if (changes.length > 0) this.#changes = [];
    return changes;
  }

  #decide(record: SubjectRecord): Decision {
    const { key, region, vantages } = record.subject;
    const { current, said, restoredAgeMs } = record;
    if (!vantages) {
      return decideByRegion({
        region: region.name,
        word: this.#vantages.get(region.name)?.word(key),
        current,
        said,
        restoredAgeMs,
        silentMs: this.#silentMs(region.name),
        silenceLimitMs: this.#silenceLimitMs,
        gateway: this.#records.get(gatewayKey(region.name))?.current ?? 'unknown',
      });
    }
    const up: string[] = [];
    const down: string[] = [];
    for (const vantage of vantages) {
      const word = this.#vantages.get(vantage)?.word(key);
      if (word === 'up') up.push(vantage);
      else if (word === 'down') down.push(vantage);
    }
    const own = this.#ownVantage().word(key);
    return decideByQuorum({ configured: vantages.length, up, down, own, current, restoredAgeMs });
  }

  #apply(record: SubjectRecord, { state, decided, reason }: Decision, atMs: number): void {
    const { subject, current: previous } = record;
    if (decided) {
      record.said = state;
      record.restoredAgeMs = undefined;
    }
    if (state === previous) return;
    record.current = state;
    record.sinceMs = atMs;
    if (previous !== 'unknown' && state !== 'unknown') record.flaps++;
    if (!subject.service) this.#reconsiderServices(subject.region.name);
    this.#changes.push({ kind: 'state', subject, state, previous, reason });
  }
}

const newRecord = (subject: Subject, atMs: number): SubjectRecord => ({
  subject,
  current: 'unknown',
  said: 'unknown',
  sinceMs: atMs,
  flaps: 0,
  restoredAgeMs: undefined,
});
