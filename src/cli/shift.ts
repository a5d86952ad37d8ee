import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, InvalidArgumentError } from 'commander';
import type { ShiftStatus, StartedShift } from '../admin/shifts-view.ts';
import { MeridianError } from '../base/errors.ts';
import { plain } from '../config/diff-values.ts';

import { goesOn, type Operation, type Shift, type ShiftEvent } from '../shifts/shift.ts';
import {
  type AdminConnection,
  type AdminOptions,
  addAdminOptions,
  addAskOptions,
  connectAdmin,
} from './admin-connection.ts';
import { type AuthorOptions, addAuthorOptions } from './author.ts';
import { parseDuration } from './inputs.ts';
import { integerBetween } from './options.ts';
import { print, printJson, table } from './output.ts';
import { type GuardOptions, parseGuard, parseSteps, parseTime } from './shift-options.ts';
import { describeShift, eventRow, outlineOf, shiftRow } from './shift-words.ts';

interface PlanOptions extends AdminOptions, AuthorOptions {
  readonly steps: number[];
  readonly every?: number;
  readonly observe?: number;
  readonly at?: string;
  readonly guard?: GuardOptions | 'off';
}

interface StartOptions extends PlanOptions {
  readonly route?: string;
  readonly record?: string;
  readonly type?: string;
  readonly to: string;
}

const operations: Readonly<Record<Operation, string>> = {
  pause: 'hold the present step until it is resumed',
  resume: 'go on after a pause; what was counted before does not count any more',
  advance: 'take the next step now, whatever the guard would say',
  abort: 'go back to the share that it began with, at once',
  finish: 'take the last step now, whatever the guard would say',
};

export function define(command: Command): void {
  addPlanOptions(command.command('start'))
    .description('shift traffic of a route or of a weighted record set to one of its targets')
    .option('--route <name>', 'a route with services by weight')
    .option('--record <name>', 'a weighted record set, by its whole name')
    .option('--type <type>', 'of the record set', 'A')
    .requiredOption('--to <target>', 'the service, or the region or alias of the answer')
    .requiredOption('--steps <shares>', 'its shares in percent, such as 1,5,25,50,100', parseSteps)
    .addHelpText('after', aboutGuard)
    .action(start);
  defineRegion(command, 'drain', 'give the clients of a region to others', [75, 50, 25, 0]);
  defineRegion(command, 'restore', 'give a region its clients back', [25, 50, 75, 100]);
  addAskOptions(command.command('status'))
    .description('show shifts, and what they wait for')
    .action(status);
  addAskOptions(command.command('history'))
    .description('show what was done to shifts, by whom and why')
    .option('--limit <n>', 'how many at most', integerBetween(1, 1_000), 20)
    .action(history);
  addAskOptions(command.command('wait'))
    .description('wait until a shift is over; fails unless it is done')
    .argument('[shift]', aboutShift)
    .option('--timeout <time>', 'for all of it', parseDuration)
    .action(wait);
  for (const [name, summary] of Object.entries(operations)) {
    addAuthorOptions(addAdminOptions(command.command(name)))
      .description(summary)
      .argument('[shift]', aboutShift)
      .action((which: string | undefined, options: AdminOptions & AuthorOptions) =>
        operate(name as Operation, which, options),
      );
  }
}

const aboutShift = 'its id, route, record or region; may be left out where one shift goes on';

const aboutGuard = `
Each step is held for --every, or until \`meridian shift advance\`, and is followed by the next only
if as many requests as are needed were seen and the guard has nothing against it. The guard holds
failures and durations of the side that grows against the other side, and all against before.`;

function addPlanOptions(command: Command): Command {
  return addAuthorOptions(addAdminOptions(command))
    .option('--every <time>', 'how long each step is held; without it by hand', parseDuration)
    .option('--observe <time>', 'to look on before the first step (30s)', parseDuration)
    .option('--at <time>', 'when to begin: 2026-03-01T04:00:00Z, or +10m', (text) =>
      parseTime(text),
    )
    .option(
      '--guard <rules>',
      'off, or some of errors=2%,latency=2,requests=100,then=pause',
      parseGuard,
    );
}

function defineRegion(command: Command, name: string, summary: string, steps: number[]): void {
  addPlanOptions(command.command(name))
    .description(`${summary}, step by step`)
    .argument('<region>', 'name of the region')
    .option('--steps <shares>', `what it keeps in percent`, parseSteps, steps)
    .addHelpText('after', aboutGuard)
    .action((region: string, options: PlanOptions) => {
      const every = options.every ?? 60_000;
      return send({ kind: 'region', region }, { ...options, every });
    });
}

async function start(options: StartOptions): Promise<void> {
  const { route, record, type, to } = options;
  if ((route === undefined) === (record === undefined)) {
    throw new InvalidArgumentError('expected --route or --record, one of the two');
  }
  const subject =
    route === undefined ? { kind: 'record', name: record, type } : { kind: 'route', route };
  await send(subject, options, to);
}

async function send(subject: object, options: PlanOptions, to?: string): Promise<void> {
  const { steps, every, observe, at, guard, author, message } = options;
  const admin = await connectAdmin(options);
  const answer = await admin.post('/shifts/start', {
    subject,
    ...(to !== undefined && { to }),
    steps,
    ...(every !== undefined && { everySeconds: every / 1_000 }),
    ...(observe !== undefined && { observeSeconds: observe / 1_000 }),
    ...(at !== undefined && { at }),
    ...(guard !== undefined && { guard: guard === 'off' ? null : guard }),
    author,
    message,
  });
  if (options.json) return printJson(answer);
  const { shift, leftBehind } = answer as StartedShift;
  print(outlineOf(shift));
  for (const set of leftBehind) print(`${set} leads nowhere else, and stays`);
}

async function operate(
  operation: Operation,
  which: string | undefined,
  options: AdminOptions & AuthorOptions,
): Promise<void> {
  const admin = await connectAdmin(options);
  const { id, turn } = await find(admin, which);
  const { author, message } = options;
  const seen = goesOn(operation) ? { turn } : {};
  const answer = await admin.post('/shifts/operate', { id, operation, ...seen, author, message });
  if (options.json) return printJson(answer);
  print(describeShift((answer as { shift: Shift }).shift));
}

async function status(options: AdminOptions): Promise<void> {
  const shifts = await listShifts(await connectAdmin(options));
  if (options.json) return printJson({ shifts });
  if (shifts.length === 0) return print('no shifts');
  const heading = ['SHIFT', 'OF', 'TO', 'SHARE', 'STEP', 'STATE', 'WHY'];
  print(table(shifts.map(shiftRow), heading));
}

async function history(options: AdminOptions & { readonly limit: number }): Promise<void> {
  const admin = await connectAdmin(options);
  const answer = await admin.get(`/shifts/history?limit=${options.limit}`);
  if (options.json) return printJson(answer);
  const { events } = answer as { events: ShiftEvent[] };
  if (events.length === 0) return print('no shift was ever begun');
  const heading = ['CHANGE', 'AT', 'SHIFT', 'OF', 'ACTION', 'SHARE', 'BY', 'WHY'];
  print(table(events.map(eventRow), heading));
}

const lookMs = 500;

async function wait(
  which: string | undefined,
  options: AdminOptions & { readonly timeout?: number },
): Promise<void> {
  const admin = await connectAdmin(options);
  const { id } = await find(admin, which);
  const untilMs = performance.now() + (options.timeout ?? Number.POSITIVE_INFINITY);
  let told = '';
  for (;;) {
    const shift = (await listShifts(admin)).find((one) => one.id === id);
    const state = shift?.state ?? 'superseded';
    const line = shift ? `${shift.share} %: ${plain(shift.outlook ?? shift.reason)}` : '';
    const isLate = performance.now() >= untilMs;
    const isOver = !['scheduled', 'running'].includes(state);
    if (!options.json && line !== told && (isOver || !/^\d.*holds for/.test(line))) print(line);
    told = line;
    if (isOver || isLate) {
      if (state !== 'done') process.exitCode = 1;
      if (options.json) printJson({ shift });
      return;
    }
    await sleep(lookMs);
  }
}

async function listShifts(admin: AdminConnection): Promise<ShiftStatus[]> {
  return ((await admin.get('/shifts')) as { shifts: ShiftStatus[] }).shifts;
}

/** The one that is meant. @throws MeridianError `shift_unknown`, `shift_ambiguous` */
async function find(admin: AdminConnection, which: string | undefined): Promise<ShiftStatus> {
  const all = await listShifts(admin);
  const isUnderWay = ({ state }: ShiftStatus) => ['scheduled', 'running', 'paused'].includes(state);
  const named = all.filter(
    ({ id, subject }) => which === undefined || id === which || subject.split(' ').includes(which),
  );
  const found = named.length === 1 && which !== undefined ? named : named.filter(isUnderWay);
  const [first, second] = found;
  if (first && !second) return first;
  if (!first) {
    const what = which === undefined ? 'no shift goes on' : `there is no shift "${which}"`;
    throw new MeridianError('shift_unknown', `${what}; see \`meridian shift status\``);
  }
  const ids = found.map(({ id, subject }) => `${id} (${subject})`).join(', ');
  throw new MeridianError('shift_ambiguous', `name one of ${ids}`);
}
