import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { MeridianError } from '../base/errors.ts';
import type { RevisionInfo, RevisionRef } from '../revisions/revision.ts';
import { isStoreError } from '../store/errors.ts';
import type { AdminConnection, AdminOptions } from './admin-connection.ts';
import { explainConflict } from './current-revision.ts';
import { followRevision } from './follow.ts';
import { parseDuration } from './inputs.ts';
import { print, printJson, styled } from './output.ts';
import { madeBy, revisionName } from './revision-words.ts';

export interface SubmitOptions extends AdminOptions {
  readonly timeout: number;
  readonly wait: boolean;
}

/** How long a change is followed. */
export function addFollowOptions(command: Command): Command {
  return command
    .option('--timeout <time>', 'for the nodes to take it up, in each wave', parseDuration, 30_000)
    .option('--no-wait', 'return when it is accepted, without waiting for the nodes');
}

/** A change whose outcome is not known is asked for again, under its own name. */
const attempts = 3;
const againAfterMs = 1_000;

/**
 * Sends a change, follows it, tells what becomes of it and sets the exit status.
 *
 * @throws MeridianError of the refusal; `revision_conflict` says who changed what meanwhile
 */
export async function submitChange(
  admin: AdminConnection,
  path: string,
  body: { readonly base: RevisionRef | null },
  options: SubmitOptions,
): Promise<void> {
  const revision = await send(admin, path, body);
  if (!options.json) print(`${revisionName(revision)} is accepted`);
  if (!options.wait) {
    if (options.json) printJson({ revision });
    return;
  }
  const { timeout: timeoutMs, json: quiet = false } = options;
  const followed = await followRevision(admin, revision.sequence, { timeoutMs, quiet });
  const done = followed.outcome === 'done';
  if (!done) process.exitCode = 1;
  if (options.json) return printJson({ revision, ...followed });
  if (done) print(`${revisionName(revision)} serves on every node`);
  else print(`${styled('red', titles[followed.outcome])}: ${followed.reason}`);
}

const titles = {
  moving: 'not done',
  done: 'done',
  refused: 'refused',
  rolledBack: 'rolled back',
  superseded: 'superseded',
  late: 'not done',
} as const;

async function send(
  admin: AdminConnection,
  path: string,
  body: { readonly base: RevisionRef | null },
): Promise<RevisionInfo> {
  let change: unknown;
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await admin.post(path, { ...body, ...(change !== undefined && { change }) });
      return (answer as { revision: RevisionInfo }).revision;
    } catch (error) {
      if (!(error instanceof MeridianError)) throw error;
      if (error.code === 'revision_conflict') {
        throw await explainConflict(admin, body.base ?? undefined, describe);
      }
      change = error.code === 'outcome_unknown' ? error.details.change : undefined;
      if (change === undefined || attempt === attempts) throw withOutcome(error);
      await sleep(againAfterMs);
    }
  }
}

/** Of a write that failed on its way the store cannot say what became of the whole; we can. */
function withOutcome(error: MeridianError): MeridianError {
  if (!isStoreError(error) || error.details.outcome !== 'none') return error;
  const { code, message, details } = error;
  return new MeridianError(code, `nothing was applied: ${message}`, { details, cause: error });
}

function describe(info: RevisionInfo): string {
  return `${revisionName(info)} ${madeBy(info)}`;
}

/** A whole number from 1 on. */
export function parseSequence(text: string): number {
  const sequence = Number(text);
  if (/^\d+$/.test(text) && sequence >= 1 && Number.isSafeInteger(sequence)) return sequence;
  throw new InvalidArgumentError('Expected the number of a revision, as `meridian history` shows.');
}
