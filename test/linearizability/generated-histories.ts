import fc from 'fast-check';
import type { Action, Operation } from './operation.ts';

const draw = fc.record({
  type: fc.constantFrom('write', 'delete', 'read', 'read', 'compareAndSet', 'miss'),
  before: fc.nat(25),
  after: fc.nat(25),
  /** Not answered. */
  lost: fc.nat(9).map((n) => n === 0),
  /** Not answered, and it never happened. */
  never: fc.boolean(),
  expectedBack: fc.nat(3),
});

/**
 * What clients may see of a register on which operations happen one at a time, ten
 * milliseconds apart, with calls some time before and answers some time after.
 */
export function sequentialExecution(length: { maxLength: number }): fc.Arbitrary<Operation[]> {
  return fc.array(draw, { minLength: 1, ...length }).map((draws) => {
    let state: string | undefined;
    const values: (string | undefined)[] = [undefined];
    return draws.map(({ type, before, after, lost, never, expectedBack }, i) => {
      const happensAtMs = (i + 1) * 10;
      const happens = !(lost && never);
      let action: Action;
      if (type === 'read') {
        action = { type, got: state };
      } else if (type === 'write' || type === 'delete') {
        action = { type: 'write', value: type === 'write' ? `v${i}` : undefined };
        if (happens) state = action.value;
      } else {
        const old = values.at(-1 - (expectedBack % values.length));
        const expected = type === 'miss' ? old : state;
        const done = expected === state;
        action = { type: 'compareAndSet', expected, value: `v${i}`, done };
        if (happens && done) state = action.value;
      }
      values.push(state);
      return {
        key: 'k',
        client: `c${i}`,
        action,
        calledAtMs: happensAtMs - before,
        answeredAtMs: lost ? undefined : happensAtMs + after,
      };
    });
  });
}

/** One or two things told otherwise: mostly impossible then, not always. */
export function mutations(history: readonly Operation[]): fc.Arbitrary<Operation[]> {
  const values = [
    undefined,
    ...history.flatMap(({ action }) => (action.type === 'read' ? [] : [action.value])),
    'never-written',
  ];
  const change = fc.record({
    at: fc.nat(history.length - 1),
    how: fc.constantFrom('value', 'value', 'outcome', 'earlier', 'later', 'drop'),
    value: fc.constantFrom(...values),
  });
  return fc.array(change, { minLength: 1, maxLength: 2 }).map((changes) => {
    let changed: Operation[] = [...history];
    for (const { at, how, value } of changes) {
      const operation = history[at]!;
      changed = changed.flatMap((one) => {
        if (one !== operation) return [one];
        return how === 'drop' ? [] : [mutated(one, how, value)];
      });
    }
    return changed;
  });
}

function mutated(operation: Operation, how: string, value: string | undefined): Operation {
  const { action, calledAtMs, answeredAtMs } = operation;
  if (how === 'earlier' || how === 'later') {
    const byMs = how === 'later' ? 35 : -35;
    const answered = answeredAtMs === undefined ? undefined : answeredAtMs + byMs;
    return { ...operation, calledAtMs: calledAtMs + byMs, answeredAtMs: answered };
  }
  if (action.type === 'read') return { ...operation, action: { ...action, got: value } };
  if (action.type !== 'compareAndSet') return operation;
  if (how === 'outcome') return { ...operation, action: { ...action, done: !action.done } };
  return { ...operation, action: { ...action, expected: value } };
}
