import type { Clock, Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import type { DomainName, NameKey } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import type { OutsideAnswer } from './outside-answer.ts';
import { type OutsideRecords, OutsideSet, type OutsideTimes } from './outside-set.ts';
import { type OutsideStatus, stateOf } from './outside-status.ts';

/** Names outside of the zones whose addresses are needed, and how they are asked for. */
export interface OutsideNeeds {
  readonly targets: readonly DomainName[];
  readonly times: OutsideTimes;
  /** Addresses of resolvers with their ports, `192.0.2.1:53`; the next one after a failure. */
  readonly resolvers: readonly string[];
}

/** `undefined`, or rejected: the resolver told nothing. */
export type AskResolver = (
  resolver: string,
  target: DomainName,
  type: number,
) => Promise<OutsideAnswer | undefined>;

interface Entry {
  readonly target: DomainName;
  readonly type: number;
  set: OutsideSet;
  isAsked: boolean;
  failures: number;
  problem: string | undefined;
}

/** Questions under way at once. */
const mostAsked = 32;
const types = [a.code, aaaa.code];

/**
 * Keeps the addresses of names outside at hand, so that no query waits for them: they are asked
 * for when a configuration needs them, and again ahead of the end of their TTL.
 *
 *   configuration ──▶ entry for each name and family ──▶ resolver
 *   query ──find──▶ what is known now                      │
 *                    ▲─────────────── answer ──────────────┘
 */
export class OutsideNames {
  readonly #clock: Clock;
  readonly #ask: AskResolver;
  readonly #random: () => number;
  #entries = new Map<string, Entry>();
  #resolvers: readonly string[] = [];
  /** Of `#resolvers`: the one that answered last. */
  #resolver = 0;
  #asked = 0;
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(clock: Clock, ask: AskResolver, random: () => number = Math.random) {
    this.#clock = clock;
    this.#ask = ask;
    this.#random = random;
  }

  /** `undefined`: not known yet, or for too long not confirmed. */
  find(target: NameKey, type: number): OutsideRecords | undefined {
    return this.#entries.get(keyOf(target, type))?.set.find(this.#clock.monotonicMs());
  }

  /** Asks for what is new, and forgets what is needed no more. */
  use({ targets, times, resolvers }: OutsideNeeds): void {
    const now = this.#clock.monotonicMs();
    const entries = new Map<string, Entry>();
    for (const target of targets) {
      for (const type of types) {
        const key = keyOf(target.key, type);
        const known = this.#entries.get(key);
        if (known) known.set = known.set.with(times);
        entries.set(key, known ?? newEntry(target, type, new OutsideSet(times, now)));
      }
    }
    this.#entries = entries;
    this.#resolvers = resolvers;
    this.#askDue();
  }

  /** Asks for what is new already, beside what is needed now. */
  expect({ targets, times, resolvers }: OutsideNeeds): void {
    const known = [...this.#entries.values()].map(({ target }) => target);
    if (targets.length > 0) this.use({ targets: [...known, ...targets], times, resolvers });
  }

  status(): OutsideStatus[] {
    const now = this.#clock.monotonicMs();
    const byTarget = Map.groupBy(this.#entries.values(), ({ target }) => target.key);
    return [...byTarget.values()].map((entries) => {
      const families = entries.map(({ set }) => set.find(now));
      return {
        target: `${entries[0]!.target}`,
        state: stateOf(families),
        addresses: families.reduce((sum, family) => sum + (family?.records.length ?? 0), 0),
        failures: entries.reduce((sum, { failures }) => sum + failures, 0),
        problem: entries.find(({ problem }) => problem !== undefined)?.problem,
      };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#entries.clear();
  }

  #askDue(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#isClosed) return;
    const now = this.#clock.monotonicMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const entry of this.#entries.values()) {
      if (entry.isAsked) continue;
      const { dueMs } = entry.set;
      if (dueMs > now) nextMs = Math.min(nextMs, dueMs);
      else if (this.#asked < mostAsked) void this.#askFor(entry);
    }
    if (nextMs < Number.POSITIVE_INFINITY) {
      this.#timer = this.#clock.after(nextMs - now, () => this.#askDue());
    }
  }

  async #askFor(entry: Entry): Promise<void> {
    entry.isAsked = true;
    this.#asked++;
    const problems: string[] = [];
    const answer = await this.#answerFrom(entry, problems).catch(() => undefined);
    this.#asked--;
    entry.isAsked = false;
    const now = this.#clock.monotonicMs();
    entry.problem = answer ? undefined : problems.join('; ') || 'there is no resolver';
    if (answer) entry.set.take(answer, now, this.#random());
    else {
      entry.set.fail(now);
      entry.failures++;
    }
    this.#askDue();
  }

  /** Of the first resolver that tells something, beginning with that of last time. */
  async #answerFrom(
    { target, type }: Entry,
    problems: string[],
  ): Promise<OutsideAnswer | undefined> {
    const resolvers = this.#resolvers;
    const first = this.#resolver;
    for (let turn = 0; turn < resolvers.length && !this.#isClosed; turn++) {
      const at = (first + turn) % resolvers.length;
      const resolver = resolvers[at]!;
      let problem = `the resolver ${resolver} told nothing of it`;
      const answer = await this.#ask(resolver, target, type).catch((error: unknown) => {
        problem = messageOf(error);
      });
      if (!answer) {
        problems.push(problem);
        continue;
      }
      this.#resolver = at;
      return answer;
    }
    return undefined;
  }
}

function newEntry(target: DomainName, type: number, set: OutsideSet): Entry {
  return { target, type, set, isAsked: false, failures: 0, problem: undefined };
}

function keyOf(target: NameKey, type: number): string {
  return `${type} ${target}`;
}
