import type { Command } from 'commander';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { print, printJson } from './output.ts';

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .addHelpText('after', '\nAlso ends what a supervisor that was itself killed left running.')
    .action(down);
}

async function down({ state, json }: StackOptions): Promise<void> {
  const { endStack } = await import('../stack/down.ts');
  const ended = await endStack(state);
  if (json) return printJson(ended);
  if (ended.supervisor !== undefined) print(`stopped the stack on ${ended.directory}`);
  else if (ended.leftovers > 0)
    print(`ended ${ended.leftovers} leftover processes of ${ended.directory}`);
  else print(`no stack runs on ${ended.directory}`);
}
