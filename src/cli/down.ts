import type { Command } from 'commander';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { counted, print, printJson } from './output.ts';

interface DownOptions extends StackOptions {
  readonly force?: boolean;
}

export function define(command: Command): void {
  addJsonOption(addStateOption(command))
    .option('--force', 'SIGKILL the supervisor, then end all that carries the mark of the stack')
    .addHelpText('after', '\nAlso ends what a supervisor that was itself killed left running.')
    .action(down);
}

async function down({ state, force = false, json }: DownOptions): Promise<void> {
  const { endStack } = await import('../stack/down.ts');
  const ended = await endStack(state, { force });
  if (json) return printJson(ended);
  const { directory, supervisor, leftovers } = ended;
  const left = counted(leftovers, 'process');
  if (force && supervisor !== undefined) {
    print(`killed the supervisor of ${directory}, pid ${supervisor}, and ended ${left}`);
  } else if (supervisor !== undefined) print(`stopped the stack on ${directory}`);
  else if (leftovers > 0) print(`ended ${left} that a killed supervisor had left on ${directory}`);
  else print(`no stack runs on ${directory}`);
}
