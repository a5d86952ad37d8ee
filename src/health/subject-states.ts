import type { Subject } from './plan.ts';
import type { Decision } from './quorum.ts';
import type { SavedSubject } from './saved-state.ts';
import type { HealthChange } from './status.ts';
import type { StateName } from './table.ts';

export interface SubjectRecord {
  readonly subject: Subject;
  current: StateName;
  /** The last state that there was evidence for, or that the disk held. */
  said: StateName;
  /** Monotonic time of the last change. */
  sinceMs: number;
  /** Changes between healthy and unhealthy. */
  flaps: number;
  /** Set while `current` comes from disk. */
  restoredAgeMs: number | undefined;
}

/** What is held of every subject: its state, since when, and where that comes from. */
export class SubjectStates {
  readonly #records = new Map<string, SubjectRecord>();

  get(key: string): SubjectRecord | undefined {
    return this.#records.get(key);
  }

  [Symbol.iterator](): Iterator<SubjectRecord> {
    return this.#records.values();
  }

  /** Follows a new plan; what stays keeps its state. */
  reconfigure(subjects: ReadonlyMap<string, Subject>, atMs: number): void {
    const before = new Map(this.#records);
    this.#records.clear();
    for (const [key, subject] of subjects) {
      const kept = before.get(key) ?? unheardOf(atMs);
      this.#records.set(key, { ...kept, subject });
    }
  }

  /** Takes a decision in. Returns the change, if it is one. */
  apply(
    record: SubjectRecord,
    { state, decided, reason }: Decision,
    atMs: number,
  ): HealthChange | undefined {
    const { subject, current: previous } = record;
    if (decided) {
      record.said = state;
      record.restoredAgeMs = undefined;
    }
    if (state === previous) return undefined;
    record.current = state;
    record.sinceMs = atMs;
    if (previous !== 'unknown' && state !== 'unknown') record.flaps++;
    return { kind: 'state', subject, state, previous, reason };
  }

  export(atMs: number): Readonly<Record<string, SavedSubject>> {
    const saved = [...this.#records].map(([key, { current, sinceMs, flaps }]) => [
      key,
      { state: current, forMs: Math.max(0, Math.round(atMs - sinceMs)), flaps },
    ]);
    return Object.fromEntries(saved);
  }

  /** Takes over what was saved `ageMs` ago. */
  restore(saved: Readonly<Record<string, SavedSubject>>, ageMs: number, atMs: number): void {
    for (const [key, { state, forMs, flaps }] of Object.entries(saved)) {
      const record = this.#records.get(key);
      if (!record) continue;
      record.current = state;
      record.said = state;
      record.flaps = flaps;
      record.sinceMs = atMs - ageMs - forMs;
      record.restoredAgeMs = ageMs;
    }
  }
}

const unheardOf = (atMs: number) => ({
  current: 'unknown' as const,
  said: 'unknown' as const,
  sinceMs: atMs,
  flaps: 0,
  restoredAgeMs: undefined,
});
