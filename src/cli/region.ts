import type { Command } from 'commander';
import { MeridianError } from '../base/errors.ts';
import { operate } from './operate.ts';
import { addJsonOption, addStateOption, type StackOptions } from './options.ts';

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
    .addHelpText(
      'after',
      '\nIts nodes leave one after the other. Refused while the configuration has it, or while its\n' +
        'voter is one of the hub (`meridian store remove`).',
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

async function remove(region: string, options: StackOptions): Promise<void> {
  await refuseVoter(region, options.state);
  await operate({ operation: 'region', action: 'remove', region }, options);
}

/** @throws MeridianError `region_in_hub`: its loss would count against a majority. */
async function refuseVoter(region: string, state: string): Promise<void> {
  const { findRunningStack } = await import('../stack/control/client.ts');
  const stack = findRunningStack(state);
  if (!stack.record.shape?.storeServers) return;
  const { openStackHub } = await import('../stack/stack-hub.ts');
  const { HubServers } = await import('../store/voters/hub-servers.ts');
  const { regionOf } = await import('../store/voters/hub.ts');
  const { urls, secret } = await openStackHub(stack);
  const servers = new HubServers({ voters: urls.map((url) => ({ url })), secret });
  try {
    const { members, clustered } = await servers.look();
    const member = members.find(({ server }) => regionOf(server) === region);
    if (!member || !clustered) return;
    throw new MeridianError(
      'region_in_hub',
      `${member.server} is a voter of the store: "meridian store remove" takes it out first`,
    );
  } finally {
    await servers.close();
  }
}
