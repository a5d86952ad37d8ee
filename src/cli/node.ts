import type { Command } from 'commander';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';

const actions = {
  kill: 'SIGKILL the node, and nothing else of its region',
  freeze: 'SIGSTOP it: from outside, a black hole',
  start: 'thaw it, or start it when it is not running',
  stop: 'let it leave gracefully (SIGTERM), and wait until it has ended',
  restart: 'stop it, start it, and wait until the other nodes send it traffic',
} as const;

export function define(command: Command): void {
  for (const action of ['kill', 'freeze', 'start', 'stop', 'restart'] as const) {
    addJsonOption(addStateOption(command.command(action)))
      .description(actions[action])
      .argument('<region>', 'name of the region')
      .argument('[node]', 'name of the node; all of the region without it')
      .action((region: string, node: string | undefined, options: StackOptions) =>
        operate(
          { operation: 'node', action, region, ...(node !== undefined && { node }) },
          options,
        ),
      );
  }
}
