import { type Clock, systemClock } from '../../base/clock.ts';
import { failStack } from '../errors.ts';
import type { Fleet, Outcome } from '../fleet.ts';
import type { StackNode } from '../plan/nodes.ts';
import type { StackProcess } from '../processes/stack-process.ts';
import { beginRoll, type NodeSight, type RollState, type RollStep, turnRoll } from './roll.ts';
import { askStatus, unreadiness, unseenBy } from './sight.ts';

export interface RollerOptions {
  readonly fleet: Pick<Fleet, 'processes' | 'drain' | 'start'>;
  readonly nodes: readonly StackNode[];
  /** Port of the admin API. */
  readonly admin: number;
  /** Ends a roll: the stack itself ends. */
  readonly stop: AbortSignal;
  readonly clock?: Clock;
}

const pollMs = 200;

/** Stops and restarts nodes one after the other, one such sequence at a time. */
export class Roller {
  readonly #options: RollerOptions;
  readonly #clock: Clock;
  #present: RollState | undefined;

  constructor(options: RollerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Resolves when the last of `ids` has ended, or is fit again.
   *
   * @throws MeridianError `restart_running` while another sequence is under way,
   *   `restart_failed` that names the node and the reason; those after it were left alone.
   */
  async run(
    ids: readonly string[],
    action: RollState['action'],
    tell: (step: RollStep) => void,
  ): Promise<Outcome> {
    if (this.#present) return this.#refuse(this.#present);
    this.#present = beginRoll(ids, action, this.#clock.monotonicMs());
    try {
      return await this.#roll(this.#present, tell);
    } finally {
      this.#present = undefined;
    }
  }

  async #roll(begun: RollState, tell: (step: RollStep) => void): Promise<Outcome> {
    const { fleet, stop } = this.#options;
    const changed = new Set<string>();
    let first: Outcome['first'];
    for (let state = begun; ; await this.#pause()) {
      const id = state.nodes[state.index]!;
      const member = fleet.processes.find(({ spec }) => spec.id === id)!;
      const sight = await this.#look(state, member);
      if (stop.aborted) failStack('stack_not_running', 'the stack is ending');
      const turn = turnRoll(state, sight, this.#clock.monotonicMs());
      if (turn.told) tell(turn.told);
      const { move } = turn;
      if (move.type === 'fail') this.#fail(state, member, move.why);
      if (move.type === 'stop' || move.type === 'start') {
        const outcome = move.type === 'stop' ? fleet.drain([member]) : fleet.start([member]);
        first ??= outcome.first;
        changed.add(id);
      }
      state = turn.state;
      this.#present = state;
      if (move.type !== 'done') continue;
      const unchanged = state.nodes.filter((node) => !changed.has(node));
      return { changed: [...changed], unchanged, first };
    }
  }

  /** Asks no more than the phase needs: each question is work for the nodes. */
  async #look({ phase }: RollState, member: StackProcess): Promise<NodeSight> {
    const { spec, lastExit, isEnding } = member;
    // One that somebody started again at once has ended all the same.
    const state = phase === 'stopping' && !isEnding ? 'stopped' : member.state;
    const { nodes, admin } = this.#options;
    const node = nodes.find(({ id }) => id === spec.id)!;
    const others = nodes.filter((other) => other !== node);
    const ended = lastExit && (lastExit.error ?? lastExit.signal ?? `exit code ${lastExit.code}`);
    const sight = { process: state, ended, answers: true, lacks: undefined, othersServe: true };
    if (phase === 'next') {
      const serving = node.serves ? others.filter(({ serves }) => serves) : [];
      const lacks = await Promise.all(serving.map((other) => unreadiness(other, admin)));
      return { ...sight, othersServe: lacks.length === 0 || lacks.includes(undefined) };
    }
    if (phase === 'stopping') {
      return { ...sight, answers: (await askStatus(node, admin)) !== undefined };
    }
    const words = others.map(async (other) => [other, await askStatus(other, admin)] as const);
    const lacks =
      (await unreadiness(node, admin)) ?? unseenBy(node, new Map(await Promise.all(words)));
    return { ...sight, lacks };
  }

  #fail({ nodes, index }: RollState, { spec }: StackProcess, why: string): never {
    const left = nodes.slice(index + 1);
    const rest = left.length === 0 ? '' : `; left as they were: ${left.join(', ')}`;
    return failStack('restart_failed', `${spec.id}: ${why}, log ${spec.logPath}${rest}`);
  }

  #refuse({ nodes, index, action }: RollState): never {
    const place = `${nodes[index]}, ${index + 1} of ${nodes.length}`;
    return failStack('restart_running', `a ${action} of nodes is under way (${place})`);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(pollMs, resolve));
  }
}
