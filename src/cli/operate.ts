import type { ControlRequest } from '../stack/control/protocol.ts';
import type { StackOptions } from './options.ts';
import { print, printJson } from './output.ts';

type Operation = Extract<ControlRequest, { action: string }>;

/** What the processes are after each action. */
const results = { kill: 'killed', freeze: 'frozen', start: 'started' } as const;
const already = {
  kill: 'not running',
  freeze: 'not running, or frozen',
  start: 'running',
} as const;

/** Asks the supervisor to do something to processes, and says to which it did. */
export async function operate(request: Operation, options: StackOptions): Promise<void> {
  const { askStack, findRunningStack } = await import('../stack/control/client.ts');
  const stack = findRunningStack(options.state);
  const outcome = await askStack<import('../stack/fleet.ts').Outcome>(stack, request);
  if (options.json) return printJson({ request, ...outcome });
  if (outcome.changed.length > 0)
    print(`${results[request.action]}: ${outcome.changed.join(', ')}`);
  if (outcome.unchanged.length > 0) {
    print(`already ${already[request.action]}: ${outcome.unchanged.join(', ')}`);
  }
  const { operation, action } = request;
  if (action === 'start' && operation !== 'store' && outcome.changed.length > 0) {
    print('It takes traffic once the others agree that it is healthy; see `meridian status`.');
  }
}
