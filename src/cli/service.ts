import type { Command } from 'commander';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';

const actions = {
  kill: 'SIGKILL the processes of the service in the region',
  start: 'start them again',
} as const;

export function define(command: Command): void {
  for (const action of ['kill', 'start'] as const) {
    addJsonOption(addStateOption(command.command(action)))
      .description(actions[action])
      .argument('<region>', 'name of the region')
      .argument('<service>', 'name of the service')
      .action((region: string, service: string, options: StackOptions) =>
        operate({ operation: 'service', action, region, service }, options),
      );
  }
}
