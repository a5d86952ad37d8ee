import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import { Trouble } from '../store/trouble.ts';
import { keyOf } from './acknowledgements.ts';
import { nodesOf } from './change.ts';
import { ReportObserver } from './reports.ts';
import type { Head } from './revision.ts';
import type { Revisions, SeenHead } from './revisions.ts';
import { decideRollout, type RolloutDecision, tooFewReady } from './rollout.ts';

const lookEveryMs = 500;
/** A node that acts after others would have acted looks less often, down to this share. */
const slowestLook = 20;
const actAfterRankMs = 1_000;

export interface RolloutControllerOptions {
  readonly revisions: Revisions;
  readonly region: string;
  readonly node: string;
  readonly clock: Clock;
  /** What keeps it from looking, other than the store; told when it changes. */
  onTrouble?(message: string): void;
  /** What this node did. */
  onAction?(decision: RolloutDecision, head: Head): void;
}

/** What a controller remembers of the present stage of a rollout, by its own clock. */
interface Stage {
  /** Of which revision and wave. */
  readonly key: string;
  readonly sinceMs: number;
  readonly rank: number;
  readonly nodes: ReadonlyMap<string, readonly string[]>;
  unreadySinceMs: number | undefined;
  /** The decision that waits for its turn. */
  pending: { readonly action: string; readonly sinceMs: number } | undefined;
}

/**
 * Moves a rollout on, on every node. All look at the same reports and come to the same
 * decision; the one of the lowest rank writes it at once, the next a second later if it is
 * still to be written, and so on: usually one writes, and none has to be there.
 *
 *   idle ── a rollout runs ──▶ look, each 500 ms ── decided, and my turn ──▶ compare-and-set
 *    ▲                           │        ▲                                     │
 *    └──── it ended ─────────────┘        └─────── written, or lost: look ──────┘
 */
export class RolloutController {
  readonly #options: RolloutControllerOptions;
  readonly #observer: ReportObserver;
  #stage: Stage | undefined;
  #timer: Timer | undefined;
  /** By the head that the node follows. */
  #running = false;
  #looking = false;
  readonly #trouble: Trouble;
  #closed = false;

  constructor(options: RolloutControllerOptions) {
    this.#options = options;
    this.#trouble = new Trouble(options.onTrouble);
    const { revisions, clock } = options;
    this.#observer = new ReportObserver(() => revisions.reports(), clock);
  }

  /** What keeps it from looking at the rollout that runs. */
  get trouble(): string | undefined {
    return this.#trouble.message;
  }

  /** To be called with every head that the node follows (`FollowerOptions.onHead`). */
  observe(head: Head): void {
    this.#running = head.rollout?.state === 'running';
    if (this.#running && !this.#looking && !this.#closed) {
      this.#looking = true;
      void this.#look();
    }
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    try {
      const seen = await this.#options.revisions.head();
      // A replica may lag behind what the node follows: then it is looked at again.
      if (seen?.head.rollout?.state === 'running') await this.#consider(seen);
      this.#trouble.clear();
    } catch (error) {
      if (!this.#closed) this.#trouble.tellError(error, 'the rollout cannot be looked at: ');
    }
    this.#looking = this.#running && !this.#closed;
    if (!this.#looking) return;
    const pace = 1 + Math.min(this.#stage?.rank ?? 0, slowestLook - 1);
    this.#timer = this.#options.clock.after(lookEveryMs * pace, () => void this.#look());
  }

  async #consider(seen: SeenHead): Promise<void> {
    const { revisions, clock } = this.#options;
    const [stage, reports, acknowledgements] = await Promise.all([
      this.#stageOf(seen.head),
      this.#observer.observe(),
      revisions.acknowledgements(),
    ]);
    const nowMs = clock.monotonicMs();
    const facts = { head: seen.head, nodes: stage.nodes, reports, acknowledgements };
    const stageAgeMs = nowMs - stage.sinceMs;
    const unready = tooFewReady({ ...facts, stageAgeMs });
    stage.unreadySinceMs = unready ? (stage.unreadySinceMs ?? nowMs) : undefined;
    const unreadyForMs = nowMs - (stage.unreadySinceMs ?? nowMs);
    const decision = decideRollout({ ...facts, stageAgeMs, unreadyForMs });
    const { action, reason } = decision;
    if (!this.#isMyTurn(stage, action, nowMs) || action === 'wait' || this.#closed) return;
    if (await revisions.moveRollout(seen, action, reason, reports)) {
      this.#options.onAction?.(decision, seen.head);
    }
  }

  #isMyTurn(stage: Stage, action: string, nowMs: number): boolean {
    if (stage.pending?.action !== action) stage.pending = { action, sinceMs: nowMs };
    return nowMs - stage.pending.sinceMs >= stage.rank * actAfterRankMs;
  }

  async #stageOf(head: Head): Promise<Stage> {
    const key = `${head.current.sequence}/${head.current.content.nonce}/${head.rollout?.reached}`;
    if (this.#stage?.key === key) return this.#stage;
    const sinceMs = this.#options.clock.monotonicMs();
    const nodes = nodesOf(await this.#options.revisions.read(head.current));
    const rank = rankOf(keyOf(this.#options), nodes, key);
    this.#stage = { key, sinceMs, rank, nodes, unreadySinceMs: undefined, pending: undefined };
    return this.#stage;
  }
}

/**
 * How many nodes act before this one: rendezvous hashing, so each stage has an order of its
 * own that all nodes know. One that is not of the configuration acts after all that are.
 */
export function rankOf(
  own: string,
  nodes: ReadonlyMap<string, readonly string[]>,
  stage: string,
): number {
  const weight = (key: string) => createHash('sha256').update(`${stage} ${key}`).digest('hex');
  const keys = [...nodes].flatMap(([region, names]) =>
    names.map((node) => keyOf({ region, node })),
  );
  if (!keys.includes(own)) return keys.length;
  const mine = weight(own);
  return keys.filter((key) => weight(key) > mine).length;
}
