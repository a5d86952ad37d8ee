import type { NodeStatus } from '../admin/node-view.ts';
import { MeridianError, messageOf } from '../base/errors.ts';
import { askAdmin } from './admin-client.ts';
import { askStack, failNotSupervised, findStack } from './control/client.ts';
import type { ProcessStatus } from './operations.ts';
import { isStopped } from './processes/identity.ts';
import { findLeftovers } from './state/leftovers.ts';
import type { NodeRecord, StackRecord } from './state/record.ts';

/** What one node says, or why it says nothing. */
export type NodeAnswer = {
  readonly region: string;
  /** Undefined: the only one of a region that names none. */
  readonly node: string | undefined;
} & (
  | { readonly status: NodeStatus; readonly error?: never }
  | { readonly status?: never; readonly error: string }
);

/** A stack as its supervisor and each of its nodes see it. */
export interface Survey {
  readonly directory: string;
  /** The pid of the supervisor; undefined when it does not run. */
  readonly supervisor: number | undefined;
  /** Whether SIGSTOP holds the supervisor. */
  readonly frozen: boolean;
  /** Processes that a killed supervisor left. */
  readonly leftovers: number;
  /** Undefined where an older version had started the stack. */
  readonly source: StackRecord['source'];
  readonly processes: readonly ProcessStatus[];
  /** By their titles: `eu-west-1`, `eu-west-1/a`. */
  readonly nodes: Readonly<Record<string, NodeAnswer>>;
}

const answerWithinMs = 1_000;

/**
 * Asks everybody at the same time, each for at most a second: a frozen region costs that
 * second and no more.
 *
 * @throws MeridianError `stack_not_running` when nothing of a stack runs there.
 */
export async function surveyStack(state: string): Promise<Survey> {
  const stack = findStack(state);
  const { supervisor } = stack.record;
  const leftovers = stack.supervised ? 0 : findLeftovers(stack.layout, stack.record).length;
  if (!stack.supervised && leftovers === 0) failNotSupervised(stack);
  const processes = stack.supervised
    ? askStack<ProcessStatus[]>(stack, { operation: 'status' }, answerWithinMs).catch(() => [])
    : [];
  const nodes = Promise.all(
    Object.entries(stack.record.regions).flatMap(([region, { nodes: own }]) =>
      own.map(
        async (node): Promise<[string, NodeAnswer]> => [node.title, await askNode(region, node)],
      ),
    ),
  );
  return {
    directory: stack.layout.directory,
    supervisor: stack.supervised ? supervisor?.pid : undefined,
    frozen: stack.supervised && supervisor !== null && isStopped(supervisor),
    leftovers,
    source: stack.record.source,
    processes: await processes,
    nodes: Object.fromEntries(await nodes),
  };
}

async function askNode(
  region: string,
  { address, admin, name: node }: NodeRecord,
): Promise<NodeAnswer> {
  try {
    const { status, body } = await askAdmin(address, admin, '/status', answerWithinMs);
    if (status === 200) return { region, node, status: JSON.parse(body) as NodeStatus };
    throw new MeridianError('admin_refused', `the admin API answered ${status}`);
  } catch (error) {
    return { region, node, error: messageOf(error) };
  }
}
