import { type Command, InvalidArgumentError } from 'commander';
import type { ExclusiveStatus } from '../admin/node-view.ts';
import { type AdminOptions, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { print, printJson, styled, table } from './output.ts';

export function define(command: Command): void {
  addAdminOptions(command.command('list'))
    .description('say which region is active for what, and why, as the asked node knows it')
    .action(list);
  addAdminOptions(command.command('move'))
    .description('hand an exclusive set over to another region')
    .argument('<name>', 'of `exclusive` in the configuration', parseName)
    .requiredOption('--to <region>', 'the region that is to be active', parseName)
    .option(
      '--force',
      'though it is not healthy, and without the word of a holder that holds on: make sure that it has stopped',
    )
    .addHelpText(
      'after',
      `
The active region stops first; without it the other one waits for the end of the lease.
With --force to the region that is active, nodes of it that hold and are not heard are forgotten.`,
    )
    .action(move);
}

function parseName(text: string): string {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError(`${JSON.stringify(text)} is not a name`);
}

async function list(options: AdminOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const answer = await admin.get('/exclusive');
  if (options.json) return printJson(answer);
  const { exclusive } = answer as { exclusive: ExclusiveStatus[] };
  if (exclusive.length === 0) return print('no exclusive sets');
  print(table(exclusive.map(rowOf), ['set', 'active', 'token', 'since', 'this node']));
}

function rowOf({
  name,
  activeRegion,
  token,
  since,
  active,
  reason,
  to,
}: ExclusiveStatus): string[] {
  const region = activeRegion ?? styled('yellow', 'nobody known');
  const own = active ? styled('green', 'active') : `passive: ${reason}`;
  const next = to === undefined ? '' : ` → ${to}`;
  return [name, `${region}${next}`, `${token ?? '-'}`, since ?? '-', own];
}

interface MoveOptions extends AdminOptions {
  readonly to: string;
  readonly force?: boolean;
}

async function move(name: string, options: MoveOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const { to, force = false, json } = options;
  const answer = await admin.post(`/exclusive/hand-over?name=${name}&to=${to}&force=${force}`);
  if (json) printJson(answer);
  else print(`${name} is asked to move to ${to}; \`meridian exclusive list\` says when it has`);
}
