import type { Command } from 'commander';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { defineAttend } from './store-attend.ts';
import { defineConfig } from './store-config.ts';
import { defineFound, defineSave } from './store-save.ts';
import { defineVoters } from './store-voters.ts';

const actions = {
  kill: 'SIGKILL the store servers of one region, or of all',
  freeze: 'SIGSTOP them: they hold their connections and answer nothing',
  start: 'thaw what is frozen and start what is not running',
} as const;

export function define(command: Command): void {
  for (const action of ['kill', 'freeze', 'start'] as const) {
    addJsonOption(addStateOption(command.command(action)))
      .description(actions[action])
      .argument('[region]', 'name of the region; all without it')
      .action((region: string | undefined, options: StackOptions) =>
        operate(
          region === undefined
            ? { operation: 'store', action }
            : { operation: 'store', action, region },
          options,
        ),
      );
  }
  defineConfig(command);
  defineAttend(command);
  defineVoters(command);
  defineSave(command);
  defineFound(command);
}
