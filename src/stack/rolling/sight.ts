import type { NodeStatus } from '../../admin/node-view.ts';
import { messageOf } from '../../base/errors.ts';
import { askAdmin } from '../admin-client.ts';
import type { StackNode } from '../plan/nodes.ts';

/** What one node says of itself and of the others; undefined: it does not answer. */
export type Word = Pick<NodeStatus, 'regions'> | undefined;

const answerWithinMs = 1_000;

/** Asks a node for `/status`. */
export async function askStatus({ bind }: StackNode, admin: number): Promise<Word> {
  try {
    const { status, body } = await askAdmin(bind, admin, '/status', answerWithinMs);
    return status === 200 ? (JSON.parse(body) as NodeStatus) : undefined;
  } catch {
    return undefined;
  }
}

/** Why a node is not ready, a sentence; undefined: it is. */
export async function unreadiness({ bind }: StackNode, admin: number): Promise<string | undefined> {
  try {
    const { status } = await askAdmin(bind, admin, '/ready', answerWithinMs);
    return status === 200 ? undefined : `it is not ready (${status})`;
  } catch (error) {
    return messageOf(error);
  }
}

/** Who of those that answer does not send a node traffic, or why nobody can say. */
export function unseenBy(node: StackNode, words: ReadonlyMap<StackNode, Word>): string | undefined {
  if (!node.serves || words.size === 0) return undefined;
  const heard = [...words].filter(([, word]) => word !== undefined);
  if (heard.length === 0) return 'no other node answers that could say that it is healthy';
  const blind = heard.filter(([, word]) => !isUsedBy(node, word)).map(([{ title }]) => title);
  return blind.length === 0 ? undefined : `it is not yet healthy to ${blind.join(', ')}`;
}

/** By its own address, or that of its region where a load balancer stands before the nodes. */
function isUsedBy({ region, address }: StackNode, word: Word): boolean {
  const seen = word?.regions.find(({ name }) => name === region);
  if (!seen) return false;
  const own = seen.addresses.find((one) => one.address === address);
  if (own) return own.state === 'healthy' && !own.draining;
  return seen.gateway.state === 'healthy' && !seen.draining;
}
