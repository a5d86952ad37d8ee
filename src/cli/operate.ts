import type { ControlRequest } from '../stack/control/protocol.ts';
import type { Outcome } from '../stack/fleet.ts';
import type { RollStep } from '../stack/rolling/roll.ts';
import type { StackOptions } from './options.ts';
import { print, printJson } from './output.ts';

type Operation =
  | Exclude<Extract<ControlRequest, { action: string }>, { operation: 'voter' | 'founding' }>
  | RestartRequest;
type RestartRequest = Extract<ControlRequest, { operation: 'restart' }>;

/** What the processes are after each action. */
const results = {
  kill: 'killed',
  freeze: 'frozen',
  start: 'started',
  stop: 'stopped',
  restart: 'restarted',
  add: 'added',
  remove: 'removed',
} as const;
const already = {
  kill: 'not running',
  freeze: 'not running, or frozen',
  start: 'running',
  stop: 'not running',
  restart: 'running',
  add: 'running',
  remove: 'gone',
} as const;

/** Asks the supervisor to do something to processes, and says to which it did. */
export async function operate(request: Operation, options: StackOptions): Promise<void> {
  const { askStack, findRunningStack } = await import('../stack/control/client.ts');
  const stack = findRunningStack(options.state);
  const onProgress = options.json ? undefined : printStep;
  const outcome = await askStack<Outcome>(stack, request, undefined, onProgress);
  if (options.json) return printJson({ request, ...outcome });
  const action = 'action' in request ? request.action : 'restart';
  if (outcome.changed.length > 0) print(`${results[action]}: ${outcome.changed.join(', ')}`);
  if (outcome.unchanged.length > 0) {
    print(`already ${already[action]}: ${outcome.unchanged.join(', ')}`);
  }
  if (outcome.changed.length === 0 || (action !== 'start' && action !== 'add')) return;
  if (request.operation === 'region' || request.operation === 'node') {
    print(regionSequel(stack.record.regions[request.region]?.serves ?? true));
  }
  if (request.operation === 'service') {
    print(`${request.region} sends it traffic once its own health checks find it healthy.`);
  }
}

/** Who decides that it is used again. */
function regionSequel(serves: boolean): string {
  return serves
    ? 'It takes traffic once the others agree that its gateway is healthy; see `meridian status`.'
    : 'It is a witness: it has its say on the health of the others, and takes no traffic.';
}

/** The failure of a step is the error of the command. */
export function printStep(step: RollStep): void {
  if (step.step !== 'failed') print(describeStep(step));
}

/** One line for people. */
export function describeStep({ step, node, position, count, elapsedMs, why }: RollStep): string {
  const place = count === 1 ? node : `${node} (${position} of ${count})`;
  const took = `${(elapsedMs / 1_000).toFixed(1)} s`;
  switch (step) {
    case 'draining':
      return `${place}: leaves`;
    case 'ended':
      return `${place}: ended after ${took}`;
    case 'ready':
      return `${place}: ready and healthy to the others after ${took}`;
    case 'waiting':
      return `${place}: for ${took} by now, ${why}`;
    case 'failed':
      return `${place}: ${why}`;
  }
}
