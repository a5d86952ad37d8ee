import type { Command } from 'commander';
import { MeridianError } from '../base/errors.ts';
import { addAdminOptions, connectAdmin } from './admin-connection.ts';
import { type AuthorOptions, addAuthorOptions } from './author.ts';
import { readCurrent, refOf } from './current-revision.ts';
import { addFollowOptions, parseSequence, type SubmitOptions, submitChange } from './submit.ts';

interface RollbackOptions extends SubmitOptions, AuthorOptions {
  readonly to?: number;
}

export function define(command: Command): void {
  addAdminOptions(command).option(
    '--to <sequence>',
    'the revision whose content comes back; default: the one before',
    parseSequence,
  );
  addFollowOptions(addAuthorOptions(command))
    .addHelpText(
      'after',
      '\nMakes a new revision with the content of the earlier one, in all regions at once.',
    )
    .action(rollback);
}

async function rollback(options: RollbackOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const { head } = await readCurrent(admin);
  if (!head) throw new MeridianError('no_revision', 'nothing was ever applied');
  const { to, author, message } = options;
  const body = { base: refOf(head.current), author, message, ...(to !== undefined && { to }) };
  await submitChange(admin, '/config/rollback', body, options);
}
