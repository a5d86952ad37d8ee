import type { Command } from 'commander';
import { operate, printStep } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';
import { print, printJson } from './output.ts';

const actions = {
  kill: 'SIGKILL every process of the region at once: node, services, store servers',
  freeze: 'SIGSTOP all of them: from outside, a black hole',
  start: 'thaw what is frozen and start what is not running',
} as const;

export function define(command: Command): void {
  addJsonOption(addStateOption(command.command('add')))
    .description("start a region that the stack's configuration file has by now")
    .argument('<region>', 'name of the region')
    .addHelpText(
      'after',
      '\nAfter `meridian apply`: nodes go by what was applied. A voter of the store that it is to\n' +
        'hold is taken in by `meridian store grow`.',
    )
    .action((region: string, options: StackOptions) =>
      operate({ operation: 'region', action: 'add', region }, options),
    );
  addJsonOption(addStateOption(command.command('remove')))
    .description('end a region for good that the configuration file has no more')
    .argument('<region>', 'name of the region')
    .option(
      '--delete-data',
      'delete what its store servers have; refused for what is the last copy',
    )
    .option('--lost', 'give up what only it has of the data of services')
    .addHelpText(
      'after',
      '\nIts nodes leave one after the other. Refused while the configuration has it, or while its\n' +
        'voter is one of the hub (`meridian store remove`), or while it wrote what no other region has.',
    )
    .action(remove);
  for (const action of ['kill', 'freeze', 'start'] as const) {
    addJsonOption(addStateOption(command.command(action)))
      .description(actions[action])
      .argument('<region>', 'name of the region')
      .action((region: string, options: StackOptions) =>
        operate({ operation: 'region', action, region }, options),
      );
  }
}

interface RemoveOptions extends StackOptions {
  readonly deleteData?: true;
  readonly lost?: true;
}

async function remove(region: string, options: RemoveOptions): Promise<void> {
  const { findRunningStack } = await import('../stack/control/client.ts');
  const { removeRegion } = await import('../stack/removal/remove-region.ts');
  const { json, state, deleteData = false, lost = false } = options;
  const onProgress = json ? () => undefined : printStep;
  const stack = findRunningStack(state);
  const removed = await removeRegion(stack, region, { deleteData, lost }, onProgress);
  const { remarks, data, ...outcome } = removed;
  if (json) {
    const request = { operation: 'region', action: 'remove', region };
    return printJson({ request, ...outcome, remarks, data });
  }
  if (outcome.changed.length > 0) print(`removed: ${outcome.changed.join(', ')}`);
  for (const remark of remarks) print(remark);
  if (data !== undefined) print(`its data stays in ${data}; --delete-data deletes it too`);
}
