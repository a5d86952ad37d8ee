import type { Operation } from './operation.ts';

/** Tries every order. For few operations, to judge the checker by. */
export function byBruteForce(history: readonly Operation[]): boolean {
  return extend(history, undefined);
}

function extend(left: readonly Operation[], state: string | undefined): boolean {
  if (left.every(({ answeredAtMs }) => answeredAtMs === undefined)) return true;
  return left.some((next) => {
    const others = left.filter((one) => one !== next);
    // Nothing that is left was answered before this one was called.
    const isFirst = others.every(
      ({ answeredAtMs }) => answeredAtMs === undefined || answeredAtMs >= next.calledAtMs,
    );
    return isFirst && extendBy(next, others, state);
  });
}

function extendBy(
  { action, answeredAtMs }: Operation,
  others: readonly Operation[],
  state: string | undefined,
): boolean {
  if (action.type === 'read') {
    return answeredAtMs !== undefined && action.got === state && extend(others, state);
  }
  if (action.type === 'write') return extend(others, action.value);
  const fits = action.expected === state;
  if (answeredAtMs !== undefined && fits !== action.done) return false;
  return extend(others, fits ? action.value : state);
}
