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
  if (outcome.changed.length === 0 || request.action !== 'start') return;
  if (request.operation === 'region') {
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
