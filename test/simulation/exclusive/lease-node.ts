import type { LeaseWrite, WriteResult } from '../../../src/exclusive/lease-action.ts';
import type { Terms } from '../../../src/exclusive/lease-document.ts';
import { LeaseMachine } from '../../../src/exclusive/lease-machine.ts';
import type { Facts, LeaseRules, LeaseSettings } from '../../../src/exclusive/lease-rules.ts';
import { ExclusiveTable } from '../../../src/health/exclusive-table.ts';
import type { Scheduler } from '../scheduler.ts';
import type { LeaseStore } from './lease-store.ts';

export interface LeaseNodeOptions {
  readonly region: string;
  readonly name: string;
  readonly settings: LeaseSettings;
  /** Every region of the deployment. */
  readonly regions: readonly string[];
  readonly rules: LeaseRules | undefined;
  /** How fast its clock goes. */
  readonly rate: number;
  /** A planted mistake: it goes by the wall clock. */
  readonly wallClock: boolean;
  readonly scheduler: Scheduler;
  readonly store: LeaseStore;
  facts(node: LeaseNode): Facts;
  /** After everything that it does. */
  onStep(node: LeaseNode): void;
  onAcquire(node: LeaseNode): void;
}

const tickMs = 100;
const writeLimitMs = 3_000;

const newTable = () => new ExclusiveTable(new SharedArrayBuffer(ExclusiveTable.bytes(1)), 0, 1);

/** A node: the real machine and table, over a clock that drifts and a process that may stand still. */
export class LeaseNode {
  readonly #options: LeaseNodeOptions;
  readonly #regions: readonly string[];
  #settings: LeaseSettings;
  #machine: LeaseMachine;
  #table: ExclusiveTable;
  #watch: { close(): void } | undefined;
  #process = 0;
  #waiting: (() => void)[] | undefined;
  #wallJumpMs = 0;
  /** The last confirmed write: the real time at which it was sent, and what it said of the node. */
  confirmed: { readonly sentMs: number; readonly terms: Terms | undefined } | undefined;
  startedMs = 0;
  running = false;
  /** It gives up what it has before it stops. */
  leaving = false;
  /** It never runs again. */
  lost = false;

  constructor(options: LeaseNodeOptions) {
    this.#options = options;
    this.#regions = options.regions;
    this.#settings = options.settings;
    this.#machine = this.#newMachine();
    this.#table = newTable();
  }

  get region(): string {
    return this.#options.region;
  }

  get name(): string {
    return this.#options.name;
  }

  /** What its gateway threads and name servers find when they ask now, even if the process stands still. */
  get active(): boolean {
    return this.running && this.#table.activeAt(0, this.nowMs);
  }

  get named(): string | undefined {
    const own = this.#regions.indexOf(this.region);
    const index = this.#table.namedAt(0, own, this.nowMs);
    return this.#regions[index];
  }

  get token(): number {
    return this.#table.token(0);
  }

  /** The highest revision that its process saw. */
  get knownRevision(): number {
    return this.#machine.entry?.revision ?? 0;
  }

  get highestRevision(): number {
    return this.#machine.highestRevision;
  }

  get paused(): boolean {
    return this.#waiting !== undefined;
  }

  get nowMs(): number {
    const { scheduler, rate, wallClock } = this.#options;
    return wallClock ? this.wallMs : 1_000_000 + scheduler.nowMs * rate;
  }

  get wallMs(): number {
    return Math.floor(1_700_000_000_000 + this.#options.scheduler.nowMs + this.#wallJumpMs);
  }

  get because(): string {
    return this.#machine.reasonAt(this.nowMs);
  }

  /** A revision arrives. */
  configure(settings: LeaseSettings): void {
    this.#settings = settings;
    if (this.running) {
      this.#deliver(this.#process, () => this.#machine.reconfigure(this.#settings));
    }
  }

  start(): void {
    const { store, region, scheduler } = this.#options;
    const process = ++this.#process;
    this.running = true;
    this.leaving = false;
    this.startedMs = scheduler.nowMs;
    this.#machine = this.#newMachine();
    this.#table = newTable();
    this.#watch = store.watch(region, (entry) =>
      this.#deliver(process, () => this.#machine.observe(entry, this.nowMs)),
    );
    this.#tick(process);
  }

  kill(): void {
    this.running = false;
    this.#process++;
    this.#waiting = undefined;
    this.#watch?.close();
  }

  pause(): void {
    this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    for (const run of waiting) run();
  }

  jumpWall(byMs: number): void {
    this.#wallJumpMs += byMs;
  }

  #newMachine(): LeaseMachine {
    const { region, name, rules } = this.#options;
    return new LeaseMachine({
      settings: this.#settings,
      region,
      node: name,
      ...(rules && { rules }),
    });
  }

  #tick(process: number): void {
    const { scheduler, rate, facts } = this.#options;
    this.#deliver(process, () => {
      scheduler.after(tickMs / rate, () => this.#tick(process));
      const action = this.#machine.tick(this.nowMs, facts(this));
      if (action?.kind === 'read') this.#read(process);
      else if (action) this.#write(process, action);
    });
  }

  #read(process: number): void {
    const { store, region, scheduler } = this.#options;
    let isOver = false;
    store.read(region, (entry) =>
      this.#deliver(process, () => {
        if (!isOver) this.#machine.read(entry, this.nowMs);
        isOver = true;
      }),
    );
    scheduler.after(1_700, () =>
      this.#deliver(process, () => {
        if (!isOver) this.#machine.read(undefined, this.nowMs);
        isOver = true;
      }),
    );
  }

  #write(process: number, action: LeaseWrite): void {
    const { store, region, scheduler, onAcquire } = this.#options;
    const sentMs = scheduler.nowMs;
    let isOver = false;
    if (action.kind === 'acquire') onAcquire(this);
    const settle = (result: WriteResult) =>
      this.#deliver(process, () => {
        if (isOver) return;
        isOver = true;
        if (result.kind === 'confirmed') {
          this.confirmed = { sentMs, terms: action.document.nodes[this.name] };
        }
        this.#machine.wrote(result, this.nowMs);
      });
    store.write(region, action, settle);
    scheduler.after(writeLimitMs, () => settle({ kind: 'unknown' }));
  }

  /** To this process, when it runs. */
  #deliver(process: number, run: () => void): void {
    if (process !== this.#process) return;
    if (this.#waiting) {
      this.#waiting.push(() => this.#deliver(process, run));
      return;
    }
    run();
    const { untilMs, token, other } = this.#machine;
    const index = other === undefined ? -1 : this.#regions.indexOf(other);
    this.#table.write(0, untilMs, token, index);
    this.#options.onStep(this);
  }
}
