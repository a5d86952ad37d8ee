import type { Command } from 'commander';
import type { ConfigDiff } from '../config/diff.ts';
import type { DiffText } from '../config/diff-text.ts';
import type { Config } from '../config/schema/config.ts';
import type { Head, RevisionInfo } from '../revisions/revision.ts';
import {
  type AdminConnection,
  type AdminOptions,
  addAdminOptions,
  connectAdmin,
} from './admin-connection.ts';
import {
  readCandidate,
  readCurrent,
  readDocument,
  refOf,
  settledRevision,
} from './current-revision.ts';
import { describeEnded, endedShifts } from './ended-shifts.ts';
import { print, printJson, styled } from './output.ts';
import { writePlan } from './plan-file.ts';
import { madeBy, revisionName } from './revision-words.ts';

interface PlanOptions extends AdminOptions {
  readonly out?: string;
  readonly full?: boolean;
}

export function define(command: Command): void {
  addAdminOptions(command)
    .argument('<file>', 'configuration: YAML, JSON or TypeScript')
    .option('--out <file>', 'save what it was compared with, for `meridian apply --plan`')
    .option('--full', 'print the whole difference, however long')
    .addHelpText('after', '\nChanges nothing. Status 0 also when nothing would change.')
    .action(plan);
}

/** What a configuration is compared with. */
interface Compared {
  /** What an apply has to name: the newest revision. */
  readonly head: Head | undefined;
  /** `undefined`: a file that the node runs. */
  readonly info: RevisionInfo | undefined;
  readonly document: unknown;
  /** `undefined`: not a configuration for this version of Meridian. */
  readonly config: Config | undefined;
  readonly hash: string;
}

async function plan(file: string, options: PlanOptions): Promise<void> {
  const { diffConfigs } = await import('../config/diff.ts');
  const { diffText, shownDiffLines } = await import('../config/diff-text.ts');
  const admin = await connectAdmin(options);
  const [candidate, compared] = [await readCandidate(admin, file), await readCompared(admin)];
  const { revision, config, document } = candidate;
  const base = compared.head && refOf(compared.head.current);
  if (options.out !== undefined) writePlan(options.out, file, base, revision);
  const equal = compared.hash === revision;
  const diff = equal ? undefined : diffConfigs(compared.config, config);
  const endsShifts = equal ? [] : await endedShifts(admin, config);
  const most = options.full ? Number.POSITIVE_INFINITY : shownDiffLines;
  const text = diffText(compared.document, document, most);
  if (options.json) {
    const against = compared.info ?? { sequence: 0, hash: compared.hash };
    printJson({ file, revision, base: base ?? null, against, equal, diff, text, endsShifts });
  } else {
    print(renderPlan(file, compared, diff, text));
    for (const shift of endsShifts) print(`\n${styled('yellow', describeEnded(shift))}`);
  }
  if (options.out !== undefined && !options.json) {
    print(
      `\nsaved: \`meridian apply ${file} --plan ${options.out}\` applies this and nothing else`,
    );
  }
}

async function readCompared(admin: AdminConnection): Promise<Compared> {
  const { head, running } = await readCurrent(admin);
  const info = head && settledRevision(head);
  const { document } = await readDocument(admin, info);
  const { acceptDocument } = await import('../config/document.ts');
  const { ConfigError } = await import('../config/config-error.ts');
  const hash = info?.hash ?? running.hash;
  try {
    const { config } = acceptDocument(document, `revision ${info?.sequence ?? 0}`);
    return { head, info, document, config, hash };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { head, info, document, config: undefined, hash };
  }
}

function renderPlan(
  file: string,
  compared: Compared,
  diff: ConfigDiff | undefined,
  text: DiffText,
): string {
  const against = describeCompared(compared);
  if (!diff) return `no changes: ${file} is ${against}`;
  const words = compared.config ? [...renderWords(diff), ''] : [];
  const omitted = text.omitted > 0 ? [`… and ${text.omitted} more; --full prints all`] : [];
  return [
    `${styled('bold', file)} against ${against}`,
    '',
    ...words,
    ...text.text.split('\n').map(colouredLine),
    ...omitted,
  ].join('\n');
}

function describeCompared({ info, head, hash }: Compared): string {
  if (!info) return `the file that the node runs (${hash.slice(0, 8)}); nothing was ever applied`;
  const name = `${revisionName(info)} ${madeBy(info)}`;
  if (!head || head.current.sequence === info.sequence) return name;
  return `${name}, to which the rollout of revision ${head.current.sequence} was rolled back`;
}

function renderWords({ everywhere, regions }: ConfigDiff): string[] {
  const groups = [{ region: 'every region', changes: everywhere }, ...regions];
  return groups.flatMap(({ region, changes }) =>
    changes.length === 0 ? [] : [styled('bold', region), ...changes.map((text) => `  ${text}`)],
  );
}

function colouredLine(line: string): string {
  if (line.startsWith('@@')) return styled('cyan', line);
  if (line.startsWith('+')) return styled('green', line);
  return line.startsWith('-') ? styled('red', line) : line;
}
