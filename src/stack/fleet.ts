import { setTimeout as sleep } from 'node:timers/promises';
import { identify } from './processes/identity.ts';
import { type ProcessEvent, type ProcessSpec, StackProcess } from './processes/stack-process.ts';
import type { StackLayout } from './state/layout.ts';
import { type StackRecord, writeRecord } from './state/record.ts';

/** One thing that happened to one process, with times that other processes can compare. */
export interface FleetEvent {
  readonly process: string;
  /** Milliseconds since 1970, with fractions. */
  readonly wallMs: number;
  /** CLOCK_MONOTONIC in milliseconds: the same clock in every process of the machine. */
  readonly monotonicMs: number;
  readonly event: ProcessEvent;
}

/** What an operation did: which processes it reached, and which were so already. */
export interface Outcome {
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** When the first signal was sent or process spawned, if any was. */
  readonly first: FleetEvent | undefined;
}

export type FleetRecord = Omit<StackRecord, 'processes' | 'supervisor'>;

const keptEvents = 2_000;
/** How long a process may take to vanish after SIGKILL. */
const reapWithinMs = 2_000;

/** All processes of a stack. Every change is on disk before the next one can happen. */
export class Fleet {
  #processes: readonly StackProcess[];
  readonly #layout: StackLayout;
  #record: FleetRecord;
  readonly #onEvent: (member: StackProcess, event: ProcessEvent) => void;
  readonly #events: FleetEvent[] = [];

  constructor(
    specs: readonly ProcessSpec[],
    layout: StackLayout,
    record: FleetRecord,
    onEvent: (member: StackProcess, event: ProcessEvent) => void,
  ) {
    this.#layout = layout;
    this.#record = record;
    this.#onEvent = onEvent;
    this.#processes = specs.map((spec) => this.#member(spec));
  }

  get processes(): readonly StackProcess[] {
    return this.#processes;
  }

  /** What is written down besides the processes. */
  get record(): FleetRecord {
    return this.#record;
  }

  /** The record and the order are those of a new plan; `specs` are started by who wants them. */
  adopt(specs: readonly ProcessSpec[], record: FleetRecord): void {
    const known = new Map(this.#processes.map((member) => [member.spec.id, member]));
    const planned = specs.map((spec) => {
      const member = known.get(spec.id);
      member?.respec(spec);
      known.delete(spec.id);
      return member ?? this.#member(spec);
    });
    this.#processes = [...planned, ...known.values()];
    this.#record = record;
    this.save();
  }

  /** Leaves out what has ended. */
  drop(processes: readonly StackProcess[]): void {
    this.#processes = this.#processes.filter((member) => !processes.includes(member));
    this.save();
  }

  /** The newest events, oldest first. */
  get events(): readonly FleetEvent[] {
    return this.#events;
  }

  get running(): StackRecord['processes'] {
    return this.processes.flatMap(({ spec, identity }) =>
      identity ? [{ id: spec.id, ...identity }] : [],
    );
  }

  /** Sends SIGKILL to all of them before it waits for any; resolves when all are gone. */
  async kill(processes = this.processes): Promise<Outcome> {
    const outcome = this.#each(processes, (member) => member.kill());
    await Promise.all(processes.map((member) => member.ended));
    return outcome;
  }

  freeze(processes: readonly StackProcess[]): Outcome {
    return this.#each(processes, (member) => member.freeze());
  }

  /** Thaws what is frozen and spawns what is stopped. */
  start(processes = this.processes): Outcome {
    return this.#each(processes, (member) =>
      member.state === 'frozen' ? member.thaw() : member.start(),
    );
  }

  /** Asks nodes to leave gracefully, and does not wait; a frozen one is killed. */
  drain(processes: readonly StackProcess[]): Outcome {
    return this.#each(processes, (member) => member.stop('SIGTERM'));
  }

  /**
   * Asks all to end, and kills those that have not within `graceMs` or once `hurry` fires.
   * Nodes end at once by SIGINT; SIGTERM would make them drain for a TTL. What even SIGKILL
   * does not end (a process that waits for a dead disk) is given up and stays `running`.
   */
  async stop(
    processes: readonly StackProcess[],
    graceMs: number,
    hurry: AbortSignal,
  ): Promise<void> {
    for (const member of processes) {
      member.stop(member.spec.kind === 'node' ? 'SIGINT' : 'SIGTERM');
    }
    const patience = AbortSignal.any([AbortSignal.timeout(graceMs), hurry]);
    const killAll = () => void this.kill(processes);
    if (patience.aborted) killAll();
    else patience.addEventListener('abort', killAll, { once: true });
    const done = new AbortController();
    const ended = Promise.all(processes.map((member) => member.ended)).then(() => done.abort());
    const limit = sleep(graceMs + reapWithinMs, undefined, { signal: done.signal });
    await Promise.race([ended, limit.catch(() => undefined)]);
    patience.removeEventListener('abort', killAll);
  }

  #member(spec: ProcessSpec): StackProcess {
    return new StackProcess(spec, (member, event) => this.#happened(member, event));
  }

  #each(processes: readonly StackProcess[], act: (member: StackProcess) => boolean): Outcome {
    const before = this.#events.at(-1);
    const changed: string[] = [];
    const unchanged: string[] = [];
    for (const member of processes) {
      (act(member) ? changed : unchanged).push(member.spec.id);
    }
    const first = this.#events[before ? this.#events.lastIndexOf(before) + 1 : 0];
    return { changed, unchanged, first };
  }

  #happened(member: StackProcess, event: ProcessEvent): void {
    this.#events.push({
      process: member.spec.id,
      wallMs: performance.timeOrigin + performance.now(),
      monotonicMs: Number(process.hrtime.bigint()) / 1e6,
      event,
    });
    if (this.#events.length > keptEvents) this.#events.shift();
    if (event.type !== 'signal') this.save();
    this.#onEvent(member, event);
  }

  /** Writes down what runs. */
  save(): void {
    const supervisor = identify(process.pid) ?? null;
    try {
      writeRecord(this.#layout.record, { ...this.#record, supervisor, processes: this.running });
    } catch {
      // A full disk must not end the stack. The next `up` still finds every process by its mark.
    }
  }
}
