import type { Clock, Timer } from '../base/clock.ts';
import type { Config } from '../config/schema/config.ts';
import { rankOf } from '../revisions/controller.ts';
import { type Observed, ReportObserver, silentAfterMs } from '../revisions/reports.ts';
import { weightsOf } from '../steering/shifts/subject.ts';
import { Trouble } from '../store/trouble.ts';
import { between, type CountsByNode, type NodeSides } from './counts.ts';
import { decideShift, type ShiftDecision, type ShiftFacts } from './decide.ts';
import { countsOf, type ShiftReport } from './reports.ts';
import { isInForce, type Shift, type ShiftDocument } from './shift.ts';
import type { SeenShifts, Shifts } from './shifts.ts';

const lookEveryMs = 500;
/** A node that acts after others would have acted looks less often, down to this share. */
const slowestLook = 20;
const actAfterRankMs = 1_000;
/** What counts as recent. */
const recentMs = 30_000;

export interface ShiftControllerOptions {
  readonly shifts: Pick<Shifts, 'read' | 'reports' | 'move'>;
  readonly region: string;
  readonly node: string;
  readonly clock: Clock;
  /** What the node serves. */
  config(): Config;
  /** Whether a revision is being rolled out. */
  rolling(): boolean;
  onTrouble?(message: string): void;
  /** What this node did. */
  onAction?(decision: ShiftDecision, shift: Shift): void;
}

/** What a controller remembers of a shift since it last changed, by its own clock. */
interface Stage {
  readonly turn: number;
  readonly sinceMs: number;
  changedSinceMs: number | undefined;
  /** The decision that waits for its turn. */
  pending: { readonly action: string; readonly sinceMs: number } | undefined;
  /** What nodes had counted that the baseline of the shift does not have, when they were first seen. */
  readonly late: Record<string, NodeSides>;
  readonly samples: { readonly atMs: number; readonly counts: CountsByNode }[];
  outlook: string;
}

/**
 * Moves shifts on, on every node. All look at the same reports and come to the same decision;
 * the one of the lowest rank writes it at once, the next a second later if it is still to be
 * written, and so on: usually one writes, and none has to be there (as `RolloutController`).
 *
 * Nothing that is safe hangs on a clock: two that act at once meet at the compare-and-set, and
 * one that begins to look late only holds a step for longer.
 */
export class ShiftController {
  readonly #options: ShiftControllerOptions;
  readonly #observer: ReportObserver<ShiftReport>;
  #stages = new Map<string, Stage>();
  #timer: Timer | undefined;
  /** What the node follows. */
  #followed: ShiftDocument | undefined;
  #looking = false;
  readonly #trouble: Trouble;
  #closed = false;

  constructor(options: ShiftControllerOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.onTrouble);
    this.#observer = new ReportObserver(() => options.shifts.reports(), options.clock);
  }

  get trouble(): string | undefined {
    return this.#trouble.message;
  }

  /** What a shift waits for, as this node sees it. */
  outlook(id: string): string | undefined {
    return this.#stages.get(id)?.outlook;
  }

  /** To be called with every document that the node follows. */
  observe(document: ShiftDocument): void {
    this.#followed = document;
    if (this.#isWanted && !this.#looking && !this.#closed) {
      this.#looking = true;
      void this.#look();
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  get #isWanted(): boolean {
    return this.#followed?.shifts.some(isInForce) === true;
  }

  async #look(): Promise<void> {
    let pace = 1;
    try {
      const seen = await this.#options.shifts.read();
      const followed = this.#followed;
      if (followed && followed.sequence > (seen?.document.sequence ?? 0)) this.#hold(followed);
      else if (seen) pace = await this.#consider(seen);
      this.#trouble.clear();
    } catch (error) {
      if (!this.#closed) this.#trouble.tellError(error, 'shifts cannot be looked at: ');
    }
    this.#looking = this.#isWanted && !this.#closed;
    if (!this.#looking) return;
    this.#timer = this.#options.clock.after(lookEveryMs * pace, () => void this.#look());
  }

  /**
   * A replica that lags, or a store that was set back, says what was: what is due by that was done
   * already, or was undone by who knew more.
   */
  #hold(followed: ShiftDocument): void {
    for (const shift of this.#enter(followed)) {
      this.#stages.get(shift.id)!.outlook =
        `waits for the store to have change ${followed.sequence}`;
    }
  }

  /** @returns how many times slower than the first of all this node needs to look. */
  async #consider(seen: SeenShifts): Promise<number> {
    const reports = await this.#observer.observe();
    const inForce = this.#enter(seen.document);
    let lowest = slowestLook - 1;
    for (const shift of inForce) {
      const rank = this.#rank(shift);
      lowest = Math.min(lowest, rank);
      if (await this.#act(seen, shift, rank, reports)) break; // what was seen stands no more
    }
    return 1 + lowest;
  }

  /** @returns its shifts that are in force, each of which has a stage now. */
  #enter({ shifts }: ShiftDocument): Shift[] {
    const inForce = shifts.filter(isInForce);
    this.#stages = new Map(inForce.map((shift) => [shift.id, this.#stageOf(shift)]));
    return inForce;
  }

  async #act(
    seen: SeenShifts,
    shift: Shift,
    rank: number,
    reports: readonly Observed<ShiftReport>[],
  ): Promise<boolean> {
    const { clock, shifts, onAction, region, node } = this.#options;
    const stage = this.#stages.get(shift.id)!;
    const counts = countsOf(reports, shift.id);
    const facts = this.#factsOf(shift, stage, counts, reports);
    const decision = decideShift(shift, facts);
    stage.outlook = decision.reason;
    if (stage.pending?.action !== decision.action) {
      stage.pending = { action: decision.action, sinceMs: clock.monotonicMs() };
    }
    const waitedMs = clock.monotonicMs() - stage.pending.sinceMs;
    if (decision.action === 'wait' || waitedMs < rank * actAfterRankMs || this.#closed)
      return false;
    const before = shift.step === 0 ? facts.evidence.step : undefined;
    const by = region === node ? region : `${region}.${node}`;
    const moved = await shifts.move(seen, shift, decision, counts, before, by);
    if (moved) onAction?.(decision, shift);
    return true;
  }

  #factsOf(
    shift: Shift,
    stage: Stage,
    counts: CountsByNode,
    reports: readonly Observed<ShiftReport>[],
  ): ShiftFacts {
    const { clock, config, rolling } = this.#options;
    const nowMs = clock.monotonicMs();
    const isChanged = weightsOf(shift.subject, config())?.basis !== shift.basis;
    stage.changedSinceMs = isChanged ? (stage.changedSinceMs ?? nowMs) : undefined;
    const spoken = new Set(
      reports
        .filter(({ silentForMs, shifts }) => silentForMs <= silentAfterMs && shifts[shift.id])
        .map(({ region, node }) => `${region}.${node}`),
    );
    return {
      nowWallMs: clock.wallMs(),
      ageMs: nowMs - stage.sinceMs,
      changedForMs: stage.changedSinceMs === undefined ? undefined : nowMs - stage.changedSinceMs,
      rolling: rolling(),
      silent: servingNodes(config()).filter((key) => !spoken.has(key)),
      evidence: {
        step: between(baselineOf(shift, stage, counts), counts),
        recent: recentOf(stage, counts, nowMs),
        before: shift.before,
      },
    };
  }

  #stageOf({ id, turn }: Shift): Stage {
    const known = this.#stages.get(id);
    if (known?.turn === turn) return known;
    return {
      turn,
      sinceMs: this.#options.clock.monotonicMs(),
      changedSinceMs: known?.changedSinceMs,
      pending: undefined,
      late: {},
      samples: [],
      outlook: '',
    };
  }

  #rank({ id, turn }: Shift): number {
    const { region, node, config } = this.#options;
    const nodes = Map.groupBy(servingNodes(config()), (key) => key.split('.')[0]!);
    const names = new Map(
      [...nodes].map(([of, keys]) => [of, keys.map((key) => key.split('.')[1]!)]),
    );
    return rankOf(`${region}.${node}`, names, `shift ${id}/${turn}`);
  }
}

/** `REGION.NODE` of every node that has clients. */
function servingNodes({ regions }: Config): string[] {
  return Object.entries(regions).flatMap(([region, { kind, nodes }]) =>
    kind !== 'witness'
      ? Object.keys(nodes ?? { [region]: {} }).map((node) => `${region}.${node}`)
      : [],
  );
}

/** A node that came after the step began counts from when it was first seen. */
function baselineOf({ baseline }: Shift, { late }: Stage, counts: CountsByNode): CountsByNode {
  for (const [node, sides] of Object.entries(counts)) {
    if (!Object.hasOwn(baseline, node)) late[node] ??= sides;
  }
  return { ...late, ...baseline };
}

/** What was counted in the last while; `undefined` at first. */
function recentOf({ samples }: Stage, counts: CountsByNode, nowMs: number) {
  const last = samples.at(-1);
  if (!last || nowMs - last.atMs >= lookEveryMs * 4) samples.push({ atMs: nowMs, counts });
  // The newest that is old enough begins the window, once there is one.
  while (samples[1] && nowMs - samples[1].atMs >= recentMs) samples.shift();
  const [first] = samples;
  return first && nowMs - first.atMs >= recentMs ? between(first.counts, counts) : undefined;
}
