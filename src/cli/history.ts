import type { Command } from 'commander';
import { plain } from '../config/diff-values.ts';
import { desiredRevision, type Head, type RevisionInfo } from '../revisions/revision.ts';
import { type AdminOptions, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { readCurrent, readHistory } from './current-revision.ts';
import { integerBetween } from './options.ts';
import { print, printJson, styled, table } from './output.ts';
import { age } from './revision-words.ts';

interface HistoryOptions extends AdminOptions {
  readonly limit: number;
}

export function define(command: Command): void {
  addAdminOptions(command)
    .option('--limit <n>', 'how many at most', integerBetween(1, 1_000), 20)
    .action(history);
}

async function history(options: HistoryOptions): Promise<void> {
  const admin = await connectAdmin(options);
  const revisions = await readHistory(admin, options.limit);
  const { head } = await readCurrent(admin);
  if (options.json) return printJson({ head: head ?? null, revisions });
  if (revisions.length === 0) return print('nothing was ever applied');
  print(renderHistory(revisions, head, Date.now()));
}

/** The table of `meridian history`. */
export function renderHistory(
  revisions: readonly RevisionInfo[],
  head: Head | undefined,
  nowMs: number,
): string {
  const rows = revisions.map((info) => [
    String(info.sequence),
    info.hash.slice(0, 8),
    `${age(info.appliedAt, nowMs)} ago`,
    kindOf(info),
    plain(info.author),
    stateOf(info, head),
    wordsOf(info, head),
  ]);
  return table(rows, ['REVISION', 'CONTENT', 'APPLIED', 'AS', 'BY', 'STATE', 'MESSAGE']);
}

function kindOf({ kind, restores }: RevisionInfo): string {
  return kind === 'rollback' ? `rollback to ${restores}` : kind;
}

/** Where it stands; nothing for those of the past. */
function stateOf({ sequence }: RevisionInfo, head: Head | undefined): string {
  if (!head) return '';
  const { current, previous, rollout } = head;
  if (sequence === previous?.sequence && rollout && rollout.state !== 'done') {
    const runs = rollout.waves.flat().some((region) => desiredRevision(head, region) === previous);
    return runs ? styled('green', 'running') : '';
  }
  if (sequence !== current.sequence) return '';
  if (rollout?.state === 'rolledBack') return styled('red', 'rolled back');
  if (rollout?.state !== 'running') return styled('green', 'current');
  return styled('yellow', `wave ${rollout.reached} of ${rollout.waves.length}`);
}

function wordsOf({ sequence, message }: RevisionInfo, head: Head | undefined): string {
  const { current, rollout } = head ?? {};
  const isRolledBack = sequence === current?.sequence && rollout?.state === 'rolledBack';
  const why = isRolledBack ? [plain(rollout.reason)] : [];
  return [...(message === '' ? [] : [plain(message)]), ...why].join('; ');
}
