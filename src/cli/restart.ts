import type { Command } from 'commander';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .argument('[region]', 'the nodes of this region; all nodes without it')
    .addHelpText(
      'after',
      '\nThe supervisor does it, also when this command is interrupted. A node that is not ready\nand healthy to the others within 60 s ends it: those after it are left as they are.',
    )
    .action((region: string | undefined, options: StackOptions) =>
      operate({ operation: 'restart', ...(region !== undefined && { region }) }, options),
    );
}
