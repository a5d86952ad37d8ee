import type { Action, Operation } from './operation.ts';

/*
 * Histories as text, an operation a line, in any order; `-` is no value, `?` no answer:
 *
 *   KEY CLIENT CALLED ANSWERED write VALUE
 *   KEY CLIENT CALLED ANSWERED read GOT
 *   KEY CLIENT CALLED ANSWERED cas EXPECTED VALUE done|refused
 *
 * What follows a `#` is a comment.
 */
export function parseHistory(text: string): Operation[] {
  const lines = text.split('\n').map((line) => line.replace(/#.*/, '').trim());
  return lines.filter((line) => line !== '').map(parseLine);
}

export function historyText(history: readonly Operation[]): string {
  return history
    .map(({ key, client, calledAtMs, answeredAtMs, action }) =>
      [key, client, calledAtMs, answeredAtMs ?? '?', ...words(action)].join(' '),
    )
    .join('\n');
}

function words(action: Action): string[] {
  if (action.type === 'write') return ['write', action.value ?? '-'];
  if (action.type === 'read') return ['read', action.got ?? '-'];
  const { expected = '-', value = '-', done } = action;
  return ['cas', expected, value, done ? 'done' : 'refused'];
}

function parseLine(line: string): Operation {
  const [key, client, called, answered, type, first, second, outcome] = line.split(/\s+/);
  const action = parseAction(type, first, second, outcome);
  const calledAtMs = Number(called);
  const answeredAtMs = answered === '?' ? undefined : Number(answered);
  if (!action || !Number.isFinite(calledAtMs + (answeredAtMs ?? 0))) {
    throw new Error(`not an operation: ${line}`);
  }
  return { key: key!, client: client!, calledAtMs, answeredAtMs, action };
}

function parseAction(
  type: string | undefined,
  first: string | undefined,
  second: string | undefined,
  outcome: string | undefined,
): Action | undefined {
  if (first === undefined) return undefined;
  if (type === 'write') return { type, value: valueIn(first) };
  if (type === 'read') return { type, got: valueIn(first) };
  if (type !== 'cas' || second === undefined) return undefined;
  const done = outcome !== 'refused';
  return { type: 'compareAndSet', expected: valueIn(first), value: valueIn(second), done };
}

function valueIn(word: string): string | undefined {
  return word === '-' ? undefined : word;
}
