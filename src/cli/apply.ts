import { type Command, InvalidArgumentError } from 'commander';
import { MeridianError } from '../base/errors.ts';
import type { RevisionRef } from '../revisions/revision.ts';
import { type AdminConnection, addAdminOptions, connectAdmin } from './admin-connection.ts';
import { type AuthorOptions, addAuthorOptions } from './author.ts';
import { readCandidate, readCurrent, readHistory, refOf } from './current-revision.ts';
import { describeEnded, endedShifts } from './ended-shifts.ts';
import { parseDuration, parseShare } from './inputs.ts';
import { print, printJson } from './output.ts';
import { readPlannedBase } from './plan-file.ts';
import { revisionName } from './revision-words.ts';
import { addFollowOptions, parseSequence, type SubmitOptions, submitChange } from './submit.ts';
import { collectWaves, resolveWaves } from './waves.ts';

interface ApplyOptions extends SubmitOptions, AuthorOptions {
  readonly plan?: string;
  readonly base?: number;
  readonly wave?: string[][];
  readonly pause?: number;
  readonly maxErrorShare?: number;
  readonly minReady?: number;
  readonly supersede?: boolean;
}

export function define(command: Command): void {
  addAdminOptions(command)
    .argument('<file>', 'configuration: YAML, JSON or TypeScript')
    .option('--plan <file>', 'only what `meridian plan --out` saved, and only against its base')
    .option('--base <sequence>', 'only if that revision is still the current one', parseSequence)
    .option('--wave <regions>', 'in waves: canary-region,rest; + joins regions', collectWaves)
    .option('--pause <time>', 'between waves (default: 30s)', parseDuration)
    .option(
      '--max-error-share <share>',
      'of 5xx answers, before it is rolled back (default: 1%)',
      parseShare,
    )
    .option('--min-ready <share>', 'of the nodes of a wave (default: 100%)', parseShare)
    .option('--supersede', 'give a rollout up that is under way');
  addFollowOptions(addAuthorOptions(command)).addHelpText('after', help).action(apply);
}

const help = `
Without --plan or --base it is compared-and-set on the revision that is current now.
Status 1 when a node refuses it, or not all run it in time.`;

async function apply(file: string, options: ApplyOptions): Promise<void> {
  requireWaves(options);
  const admin = await connectAdmin(options);
  const { document, config, revision } = await readCandidate(admin, file);
  const base = await baseOf(admin, file, revision, options);
  const { author, message, supersede = false } = options;
  const rollout = rolloutOf(options, Object.keys(config.regions));
  if (!options.json) {
    for (const shift of await endedShifts(admin, config)) print(describeEnded(shift));
  }
  const body = { document, base: base ?? null, author, message, supersede, ...rollout };
  try {
    await submitChange(admin, '/config/apply', body, options);
  } catch (error) {
    if (!(error instanceof MeridianError) || error.code !== 'revision_unchanged') throw error;
    if (options.json) printJson({ revision: null, unchanged: base ?? null });
    else print(`no changes: ${file} is ${base ? revisionName(base) : 'what runs'}`);
  }
}

/** @throws InvalidArgumentError */
function requireWaves({ wave, pause, maxErrorShare, minReady, plan, base }: ApplyOptions): void {
  const given = { '--pause': pause, '--max-error-share': maxErrorShare, '--min-ready': minReady };
  const [useless] = Object.entries(given).find(([, value]) => value !== undefined) ?? [];
  if (!wave && useless !== undefined) {
    throw new InvalidArgumentError(`${useless} means nothing without --wave`);
  }
  if (plan !== undefined && base !== undefined) {
    throw new InvalidArgumentError('--plan names its base: leave --base out');
  }
}

function rolloutOf(
  { wave, pause, maxErrorShare, minReady }: ApplyOptions,
  regions: readonly string[],
): object {
  if (!wave) return {};
  return {
    waves: resolveWaves(wave, regions),
    ...(pause !== undefined && { pauseSeconds: pause / 1_000 }),
    ...(maxErrorShare !== undefined && { errorShare: maxErrorShare }),
    ...(minReady !== undefined && { readyShare: minReady }),
  };
}

async function baseOf(
  admin: AdminConnection,
  file: string,
  revision: string,
  { plan, base }: ApplyOptions,
): Promise<RevisionRef | undefined> {
  if (plan !== undefined) return readPlannedBase(plan, file, revision);
  if (base === undefined) {
    const { head } = await readCurrent(admin);
    return head && refOf(head.current);
  }
  const found = (await readHistory(admin, 1_000)).find(({ sequence }) => sequence === base);
  if (found) return refOf(found);
  throw new MeridianError(
    'revision_unknown',
    `there is no revision ${base}; see \`meridian history\``,
  );
}
