import type { Action, Operation } from './operation.ts';

/*
 * Whether the operations on one key can be put into an order that keeps to real time (what was
 * answered before another was called comes before it) and in which each was told the truth:
 * linearizability (Herlihy and Wing, 1990).
 *
 * The search is that of Wing and Gong (1993) with the memory of Lowe (2017): states that were
 * reached before by the same set of operations lead nowhere new. Ported from the Go of
 * Porcupine (https://github.com/anishathalye/porcupine, checker.go, MIT licence, Anish
 * Athalye), for a register with compare-and-set, and with operations that have no answer:
 * those may be left out.
 *
 *   head ─▶ call a ─▶ call b ─▶ return a ─▶ call c ─▶ return c ─▶ return b ─▶ …
 *             └─ match ───────────┘
 *
 *   from the head: take the first call that fits the state, lift it and its return out of the
 *   list, and begin again; at a return nothing before it fits: undo the last one taken.
 *
 * A read that fits is taken for good: it changes nothing, so in any order that is found from
 * here it may as well come now. Without that, reads whose calls reach far back (what a read of
 * a stale copy may have seen) would be tried in each of their orders.
 */

interface Node {
  /** Of the operation. */
  readonly index: number;
  /** Its return, where this is a call. */
  readonly match: Node | undefined;
  previous: Node | undefined;
  next: Node | undefined;
}

type State = string | undefined;

/** Of one key's search: about 1 GiB. */
const statesMost = 4_000_000;

interface Taken {
  readonly call: Node;
  readonly before: State;
}

/**
 * Operations of one key; those without an answer that were no writes are ignored.
 * @returns the order found, or `undefined` where there is none.
 */
export function linearize(operations: readonly Operation[]): readonly Operation[] | undefined {
  const counted = operations
    .filter(({ action, answeredAtMs }) => answeredAtMs !== undefined || action.type !== 'read')
    .sort((a, b) => a.calledAtMs - b.calledAtMs || 0);
  const head = linked(counted);
  const remaining = { answered: counted.filter((one) => one.answeredAtMs !== undefined).length };
  const linearized = new Uint8Array(Math.ceil(counted.length / 8));
  const seen = new Set<string>();
  const taken: Taken[] = [];
  let state: State;
  let node = head.next;
  while (remaining.answered > 0) {
    if (node?.match) {
      const operation = counted[node.index]!;
      const next = step(state, operation);
      if (next !== impossible && isNew(seen, linearized, node.index, next.state)) {
        taken.push({ call: node, before: state });
        state = next.state;
        lift(node);
        if (operation.answeredAtMs !== undefined) remaining.answered--;
        node = head.next;
      } else {
        node = node.next;
      }
      continue;
    }
    let last = taken.pop();
    for (; last; last = taken.pop()) {
      const { action, answeredAtMs } = counted[last.call.index]!;
      flip(linearized, last.call.index);
      unlift(last.call);
      if (answeredAtMs !== undefined) remaining.answered++;
      state = last.before;
      if (action.type !== 'read') break;
    }
    if (!last) return undefined;
    node = last.call.next;
  }
  return taken.map(({ call }) => counted[call.index]!);
}

const impossible = 'impossible';

/** What the register holds after the operation, or that it cannot have come now. */
function step(
  state: State,
  { action, answeredAtMs }: Operation,
): { readonly state: State } | typeof impossible {
  if (answeredAtMs === undefined) return possibly(state, action);
  if (action.type === 'write') return { state: action.value };
  if (action.type === 'read') return action.got === state ? { state } : impossible;
  const done = action.expected === state;
  if (done !== action.done) return impossible;
  return { state: done ? action.value : state };
}

/** A compare-and-set without an answer that changes nothing may as well be left out. */
function possibly(state: State, action: Action): { readonly state: State } | typeof impossible {
  if (action.type === 'write') return { state: action.value };
  if (action.type === 'read' || action.expected !== state) return impossible;
  return { state: action.value };
}

/** Marks the operation as taken, unless the same set of operations led to the same state before. */
function isNew(seen: Set<string>, linearized: Uint8Array, index: number, state: State): boolean {
  flip(linearized, index);
  const place = `${setText(linearized)}${state === undefined ? '-' : `=${state}`}`;
  if (!seen.has(place)) {
    seen.add(place);
    if (seen.size > statesMost) throw new Error('the history has too many orders to be judged');
    return true;
  }
  flip(linearized, index);
  return false;
}

/** Without what all sets of the search have at their beginning, and the nothing at their end. */
function setText(bits: Uint8Array): string {
  let start = 0;
  while (bits[start] === 0xff) start++;
  let end = bits.length;
  while (end > start && bits[end - 1] === 0) end--;
  return `${start}:${Buffer.from(bits.buffer, start, end - start).toString('latin1')}`;
}

function flip(bits: Uint8Array, index: number): void {
  bits[index >> 3]! ^= 1 << (index & 7);
}

/** Calls and returns in the order of time; at the same moment calls first. */
function linked(operations: readonly Operation[]): Node {
  const events = operations.flatMap(({ calledAtMs, answeredAtMs }, index) => [
    { index, isCall: true, atMs: calledAtMs },
    { index, isCall: false, atMs: answeredAtMs ?? Number.POSITIVE_INFINITY },
  ]);
  events.sort((a, b) => {
    if (a.atMs !== b.atMs) return a.atMs < b.atMs ? -1 : 1;
    return Number(b.isCall) - Number(a.isCall);
  });
  const returns = new Map<number, Node>();
  let first: Node | undefined;
  for (const { index, isCall } of events.reverse()) {
    const match = isCall ? returns.get(index) : undefined;
    const node: Node = { index, match, previous: undefined, next: first };
    if (!isCall) returns.set(index, node);
    if (first) first.previous = node;
    first = node;
  }
  const head: Node = { index: -1, match: undefined, previous: undefined, next: first };
  if (first) first.previous = head;
  return head;
}

function lift(call: Node): void {
  for (const node of [call, call.match!]) {
    node.previous!.next = node.next;
    if (node.next) node.next.previous = node.previous;
  }
}

function unlift(call: Node): void {
  for (const node of [call.match!, call]) {
    node.previous!.next = node;
    if (node.next) node.next.previous = node;
  }
}

/** The keys of a history whose operations cannot be put into order. */
export function brokenKeys(history: readonly Operation[]): readonly string[] {
  const byKey = Map.groupBy(history, ({ key }) => key);
  return [...byKey].filter(([, one]) => linearize(one) === undefined).map(([key]) => key);
}
