import { Hysteresis, type Verdict } from './hysteresis.ts';
import { freshnessOf, type HealthPlan, type Subject } from './plan.ts';
import { serviceVerdict } from './service-state.ts';
import type { ProbeTarget } from './targets.ts';

/** The outcome of one probe. Times are monotonic. */
export interface ProbeResult {
  /** `ProbeTarget.key`. */
  readonly target: string;
  /** `undefined`: there was nothing to measure. */
  readonly ok: boolean | undefined;
  /** For people: `status 503`, `connection refused`. */
  readonly detail: string;
  readonly startedMs: number;
  readonly atMs: number;
}

interface TargetRecord {
  readonly target: ProbeTarget;
  readonly hysteresis: Hysteresis;
  /** Monotonic time from which on its failures count; `undefined` before the first probe. */
  countedFromMs: number | undefined;
  /** Monotonic time until which the last result counts. */
  validUntilMs: number;
  /** The last probe found nothing to measure; `absent`: as long as a result counts. */
  empty: boolean;
  absent: boolean;
  /** What became of the last probe; neither: it found nothing to measure. */
  failed: boolean;
  succeeded: boolean;
  detail: string;
}

/**
 * What this node itself has seen: one damped verdict per target, and from them per subject.
 * What was never found up may still be starting, as this node just did: its failures in the
 * first `graceMs` after its first probe are not counted.
 */
export class OwnProbes {
  #plan: HealthPlan;
  readonly #graceMs: number;
  #records = new Map<string, TargetRecord>();
  #watchers: ReadonlyMap<string, readonly Subject[]> = new Map();
  readonly #verdicts = new Map<string, Verdict>();
  #news: string[] = [];

  constructor(plan: HealthPlan, graceMs = 0) {
    this.#plan = plan;
    this.#graceMs = graceMs;
    this.reconfigure(plan);
  }

  /** By subject key; without those on which this node has no verdict. Changes in place. */
  get verdicts(): ReadonlyMap<string, Verdict> {
    return this.#verdicts;
  }

  /** Subjects on which the verdict changed since the last call. */
  takeNews(): readonly string[] {
    const news = this.#news;
    if (news.length > 0) this.#news = [];
    return news;
  }

  /** Follows a new plan. A target whose address or check changed starts from nothing. */
  reconfigure(plan: HealthPlan): void {
    const before = this.#records;
    this.#plan = plan;
    this.#watchers = watchersOf(plan);
    this.#records = new Map(
      plan.targets.map((target) => {
        const kept = before.get(target.key);
        return [target.key, { ...(kept ?? newRecord(target)), target }];
      }),
    );
    this.#judgeAll();
  }

  /** Takes a result in. Returns true when a verdict may have changed. */
  record({ target, ok, detail, startedMs, atMs }: ProbeResult): boolean {
    const record = this.#records.get(target);
    if (!record) return false; // a probe of a target that was since removed
    record.detail = detail;
    record.failed = ok === false;
    record.succeeded = ok === true;
    const { interval, timeout } = record.target.check;
    record.empty = ok === undefined;
    // Nothing to measure is no evidence: what was known holds while it is fresh.
    if (ok !== undefined || record.validUntilMs === 0) {
      record.validUntilMs = atMs + freshnessOf(interval) + timeout;
    }
    if (ok === undefined) return false;
    record.absent = false;
    if (ok) record.countedFromMs = 0;
    else record.countedFromMs ??= startedMs + this.#graceMs;
    if (!ok && startedMs < record.countedFromMs) return false;
    if (!record.hysteresis.record(ok)) return false;
    for (const subject of this.#watchers.get(target) ?? []) this.#judge(subject);
    return true;
  }

  /** Back to nothing: after a pause, what was seen before is no evidence. */
  forget(): void {
    for (const { hysteresis } of this.#records.values()) hysteresis.forget();
    this.#judgeAll();
  }

  /** Forgets targets whose probes stopped without a word. Returns true when that is news. */
  expire(atMs: number): boolean {
    let expired = false;
    for (const record of this.#records.values()) {
      if (record.validUntilMs >= atMs) continue;
      const isNews = record.hysteresis.verdict !== undefined || (record.empty && !record.absent);
      if (!isNews) continue;
      record.hysteresis.forget();
      record.absent = record.empty;
      if (!record.absent) record.detail = 'no probe has ended lately';
      expired = true;
    }
    if (expired) this.#judgeAll();
    return expired;
  }

  /** Whether its probes have found nothing to measure for long. */
  absent({ watched }: Subject): boolean {
    return watched.some(({ target }) => this.#records.get(target)?.absent);
  }

  target(key: string): { verdict: Verdict | undefined; detail: string } {
    const record = this.#records.get(key);
    return { verdict: record?.hysteresis.verdict, detail: record?.detail ?? 'not yet probed' };
  }

  /** What the probes of a subject met, for people: the first that is not up, or just failed. */
  detail(subject: Subject): string | undefined {
    for (const { target } of subject.watched) {
      const record = this.#records.get(target);
      if (!record || (record.hysteresis.verdict === 'up' && !record.failed)) continue;
      if (record.detail === '') continue;
      const isComingBack = record.hysteresis.verdict === 'down' && record.succeeded;
      const more = isComingBack ? ', not yet often enough' : '';
      return `${record.target.host}:${record.target.port}: ${record.detail}${more}`;
    }
    return undefined;
  }

  #judgeAll(): void {
    for (const key of this.#verdicts.keys()) if (!this.#plan.subjects.has(key)) this.#note(key);
    for (const subject of this.#plan.subjects.values()) this.#judge(subject);
  }

  #judge({ key, watched, minimumShare }: Subject): void {
    const weighed = watched.map(({ target, weight }) => ({
      verdict: this.#records.get(target)?.hysteresis.verdict,
      weight,
    }));
    this.#note(key, serviceVerdict(weighed, minimumShare));
  }

  #note(key: string, verdict?: Verdict): void {
    if (this.#verdicts.get(key) === verdict) return;
    if (verdict) this.#verdicts.set(key, verdict);
    else this.#verdicts.delete(key);
    this.#news.push(key);
  }
}

/** What hangs on each target, by its key. */
function watchersOf({ subjects }: HealthPlan): ReadonlyMap<string, readonly Subject[]> {
  const watchers = new Map<string, Subject[]>();
  for (const subject of subjects.values()) {
    for (const { target } of subject.watched) {
      const known = watchers.get(target);
      if (known) known.push(subject);
      else watchers.set(target, [subject]);
    }
  }
  return watchers;
}

const newRecord = (target: ProbeTarget): TargetRecord => ({
  target,
  hysteresis: new Hysteresis(target.check),
  countedFromMs: undefined,
  validUntilMs: 0,
  empty: false,
  absent: false,
  failed: false,
  succeeded: false,
  detail: '',
});
