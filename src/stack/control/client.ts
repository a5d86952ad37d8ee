import { connect } from 'node:net';
import { resolve } from 'node:path';
import { codeOf, MeridianError, messageOf } from '../../base/errors.ts';
import { frozenAdvice, leftoverAdvice } from '../advice.ts';
import { failStack } from '../errors.ts';
import { isAlive, isStopped, type ProcessIdentity } from '../processes/identity.ts';
import { layoutOf, type StackLayout } from '../state/layout.ts';
import { findLeftovers } from '../state/leftovers.ts';
import { bootId, readRecord, type StackRecord } from '../state/record.ts';
import type { ControlProgress, ControlRequest, ControlResponse } from './protocol.ts';

/** A stack as seen from outside: where it lives and what it recorded. */
export interface FoundStack {
  readonly layout: StackLayout;
  readonly record: StackRecord;
  /** Whether its supervisor lives. Its nodes may, even when it does not. */
  readonly supervised: boolean;
}

/**
 * Finds the stack of a state directory.
 *
 * @throws MeridianError `stack_not_running` when none was ever started there,
 *   `stack_record_damaged` when stack.json is not ours.
 */
export function findStack(directory: string): FoundStack {
  const layout = layoutOf(resolve(directory));
  const record = readRecord(layout.record);
  if (!record) {
    return failStack(
      'stack_not_running',
      `no stack has been started on ${layout.directory}; start one with \`meridian up\`, or name its directory with --state`,
    );
  }
  const { supervisor } = record;
  const supervised = supervisor !== null && record.bootId === bootId() && isAlive(supervisor);
  return { layout, record, supervised };
}

/** The same, where something else than a stack can be asked: the error says what. */
export function findStackOr(instead: string, directory: string): FoundStack {
  try {
    return findStack(directory);
  } catch (error) {
    if (codeOf(error) !== 'stack_not_running') throw error;
    return failStack('stack_not_running', `${messageOf(error)}, or ${instead}`);
  }
}

/** @throws MeridianError `stack_not_running` unless a supervisor runs on the directory. */
export function findRunningStack(directory: string): FoundStack {
  const stack = findStack(directory);
  return stack.supervised ? stack : failNotSupervised(stack);
}

/** @throws MeridianError `stack_not_running` that counts what a killed supervisor left. */
export function failNotSupervised({ layout, record }: FoundStack): never {
  const { directory } = layout;
  const { length } = findLeftovers(layout, record);
  return failStack(
    'stack_not_running',
    length === 0
      ? `no stack runs on ${directory}; start one with \`meridian up\`, or name its directory with --state`
      : leftoverAdvice(directory, length),
    { details: { leftovers: length } },
  );
}

/** @throws MeridianError `supervisor_frozen` when SIGSTOP holds it: it can answer nobody. */
export function refuseFrozen(supervisor: ProcessIdentity | null): void {
  if (!supervisor || !isStopped(supervisor)) return;
  failStack('supervisor_frozen', frozenAdvice(supervisor.pid));
}

/**
 * Asks the supervisor of a stack for one thing.
 *
 * @param limitMs for the response, or the next line of progress
 * @throws MeridianError with the supervisor's own code, `supervisor_frozen`, or
 *   `control_failed` when it says nothing within `limitMs`.
 */
export async function askStack<Result>(
  stack: FoundStack,
  request: ControlRequest,
  limitMs = 15_000,
  onProgress: (progress: ControlProgress['progress']) => void = () => undefined,
): Promise<Result> {
  refuseFrozen(stack.record.supervisor);
  const asked = { path: stack.record.socket, line: JSON.stringify(request), limitMs, onProgress };
  const response = await exchange(asked);
  if (response.ok) return response.result as Result;
  throw new MeridianError(response.error.code, response.error.message);
}

interface Asked {
  readonly path: string;
  readonly line: string;
  readonly limitMs: number;
  readonly onProgress: (progress: ControlProgress['progress']) => void;
}

function exchange({ path, line, limitMs, onProgress }: Asked): Promise<ControlResponse> {
  return new Promise((resolveResponse, reject) => {
    const socket = connect(path);
    let received = '';
    let late: NodeJS.Immediate | undefined;
    const fail = (why: string) => {
      clearTimeout(limit);
      clearImmediate(late);
      socket.destroy();
      reject(new MeridianError('control_failed', `the supervisor at ${path} ${why}`));
    };
    // What came while this process stood still is read before it is missed.
    const limit = setTimeout(() => {
      late = setImmediate(fail, `gave no answer within ${limitMs / 1_000} s`);
    }, limitMs);
    socket.setEncoding('utf8');
    socket.on('error', ({ message }) => fail(`cannot be reached: ${message}`));
    socket.on('close', () => fail('closed the connection without an answer'));
    socket.on('connect', () => socket.write(`${line}\n`));
    socket.on('data', (text: string) => {
      const lines = (received + text).split('\n');
      received = lines.pop() ?? '';
      for (const answer of lines) {
        const said = JSON.parse(answer) as ControlResponse | ControlProgress;
        clearImmediate(late);
        limit.refresh();
        if ('progress' in said) onProgress(said.progress);
        else {
          clearTimeout(limit);
          socket.removeAllListeners('close');
          socket.end();
          resolveResponse(said);
        }
      }
    });
  });
}
