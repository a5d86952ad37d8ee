import type { Command } from 'commander';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';

const actions = {
  kill: 'SIGKILL every process of the region at once: node, services, store servers',
  freeze: 'SIGSTOP all of them: from outside, a black hole',
  start: 'thaw what is frozen and start what is not running',
} as const;

export function define(command: Command): void {
  for (const action of ['kill', 'freeze', 'start'] as const) {
    addJsonOption(addStateOption(command.command(action)))
      .description(actions[action])
      .argument('<region>', 'name of the region')
      .action((region: string, options: StackOptions) =>
        operate({ operation: 'region', action, region }, options),
      );
  }
}
