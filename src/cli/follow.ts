import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../base/errors.ts';
import { plain } from '../config/diff-values.ts';
import { isStoreError } from '../store/errors.ts';
import type { AdminConnection } from './admin-connection.ts';
import { colouredDrift, nodeTitle } from './drift.ts';
import { print, styled } from './output.ts';
import { type Judgement, judge, type Progress, runsIt, stageOf } from './progress.ts';

export interface FollowOptions {
  /** For the nodes of one wave; its pause comes on top. */
  readonly timeoutMs: number;
  /** Nothing is printed. */
  readonly quiet: boolean;
}

export interface Followed extends Pick<Judgement, 'outcome' | 'reason'> {
  readonly nodes: Progress['nodes'];
}

const pollMs = 100;
/** A look takes as long as the store needs, and this at most. */
const lookLimitMs = 5_000;

/** Watches a revision until its outcome is known or the time of a wave is over, and tells it. */
export async function followRevision(
  admin: AdminConnection,
  sequence: number,
  options: FollowOptions,
): Promise<Followed> {
  const teller = new Teller(options.quiet);
  let nodes: Progress['nodes'] = [];
  let reached = 0;
  let deadlineMs = performance.now() + options.timeoutMs;
  for (;;) {
    const progress = await look(admin, sequence);
    if (progress) {
      nodes = progress.nodes;
      const { rollout } = progress.head ?? {};
      const judgement = judge(progress, sequence);
      if (progress.head?.current.sequence === sequence) teller.stage(stageOf(rollout));
      teller.nodes(judgement.settled, nodes);
      if (judgement.outcome !== 'moving') return { ...judgement, nodes };
      if (rollout && rollout.reached !== reached) {
        reached = rollout.reached;
        deadlineMs = performance.now() + options.timeoutMs + rollout.pauseMs;
      }
    }
    if (performance.now() >= deadlineMs) return { ...lateOf(nodes, options, teller), nodes };
    await sleep(pollMs);
  }
}

/** `undefined`: not now; a node that restarts, or a store that elects, is no reason to give up. */
async function look(admin: AdminConnection, sequence: number): Promise<Progress | undefined> {
  try {
    return (await admin.get(`/config/progress?sequence=${sequence}`, lookLimitMs)) as Progress;
  } catch (error) {
    const passing = ['admin_unreachable', 'revision_unknown', 'no_revision'];
    if (isStoreError(error) || passing.includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

function lateOf(
  nodes: Progress['nodes'],
  { timeoutMs }: FollowOptions,
  teller: Teller,
): Pick<Judgement, 'outcome' | 'reason'> {
  const late = nodes.filter((node) => !runsIt(node));
  teller.nodes(late, nodes);
  const names = late.map(nodeTitle).join(', ');
  const reason = `after ${timeoutMs / 1_000} s not everywhere: ${names || 'no node has told'}`;
  return { outcome: 'late', reason };
}

/** Prints each stage and each node once, as it comes. */
class Teller {
  readonly #quiet: boolean;
  readonly #told = new Set<string>();

  constructor(quiet: boolean) {
    this.#quiet = quiet;
  }

  stage(stage: string | undefined): void {
    if (stage !== undefined) this.#once(stage, styled('bold', plain(stage)));
  }

  nodes(settled: Progress['nodes'], all: Progress['nodes']): void {
    const width = Math.max(0, ...all.map((node) => nodeTitle(node).length));
    for (const node of settled) {
      const title = nodeTitle(node);
      this.#once(`${title} ${node.state}`, `  ${title.padEnd(width)}  ${outcomeOf(node)}`);
    }
  }

  #once(key: string, text: string): void {
    if (this.#quiet || this.#told.has(key)) return;
    this.#told.add(key);
    print(text);
  }
}

function outcomeOf({
  state,
  durationMs,
  reason,
  pendingRestart,
}: Progress['nodes'][number]): string {
  if (state !== 'current' && state !== 'localEdit')
    return `${colouredDrift(state)}: ${plain(reason)}`;
  const took = durationMs === undefined ? '' : ` in ${(durationMs / 1_000).toFixed(2)} s`;
  const later = pendingRestart.map((text) => `; at its next start: ${plain(text)}`).join('');
  return `${styled('green', 'serves it')}${took}${later}`;
}
