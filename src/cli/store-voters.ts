import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { MeridianError } from '../base/errors.ts';
import type { ChangeEvent } from '../store/voters/change.ts';
import type { Hub } from '../store/voters/hub.ts';
import type { Outcome, Step } from '../store/voters/next-step.ts';
import type { Plan } from '../store/voters/plan.ts';
import { parseDuration } from './inputs.ts';
import { addJsonOption, addStateOption } from './options.ts';
import { print, printJson, styled, table } from './output.ts';
import { collectHost, collectPort } from './store-config.ts';
import type { HubAccess } from './store-hub.ts';

export interface VoterOptions {
  readonly state: string;
  readonly config?: string;
  readonly systemDir: string;
  readonly operatorDir: string;
  readonly host?: Readonly<Record<string, string>>;
  readonly port?: Readonly<Record<string, number>>;
  readonly yes?: boolean;
  readonly plan?: boolean;
  readonly patience?: number;
  readonly json?: boolean;
}

export function defineVoters(store: Command): void {
  access(store.command('plan'))
    .description('show the voters of the store, and what the configuration wants otherwise')
    .action((options: VoterOptions) => run('plan', { add: true, remove: true }, options));
  changing(store.command('grow'))
    .description('take in the voters that the configuration has, and put copies on them')
    .action((options: VoterOptions) => run('grow', { add: true, remove: false }, options));
  changing(store.command('remove'))
    .description('take voters out that the configuration has no more, copies first')
    .action((options: VoterOptions) => run('remove', { add: false, remove: true }, options));
  changing(store.command('replace'))
    .description('replace the voter of a region that is lost with its disk')
    .argument('<region>', 'whose voter is lost')
    .action((replace: string, options: VoterOptions) =>
      run('replace', { add: false, remove: false, replace }, options),
    );
  changing(store.command('move'))
    .description("have a bucket's writes confirmed by another region's voter first")
    .argument('<bucket>', 'its name')
    .argument('<region>', 'that is to lead it')
    .action((bucket: string, region: string, options: VoterOptions) =>
      run('move', { bucket, region }, options),
    );
}

export function access(command: Command): Command {
  return addJsonOption(addStateOption(command))
    .option('--config <file>', "of one's own servers; without it, the stack's")
    .option('--system-dir <dir>', 'identity of the system account', '/etc/meridian/system')
    .option('--operator-dir <dir>', 'identity of an operator', '/etc/meridian/operator')
    .option('--host <region=host>', 'where its voter is reached; repeatable', collectHost)
    .option('--port <name=port>', 'hub, if not 4223', collectPort);
}

function changing(command: Command): Command {
  return access(command)
    .option('--yes', 'do it; without it only the plan is shown')
    .option('--plan', 'only show the plan')
    .option('--patience <time>', 'how long nothing may come of a step (10m)', parseDuration)
    .addHelpText(
      'after',
      '\nWhat is done stays done: after an interruption the same command goes on from there.\n' +
        'It refuses what would leave a bucket without a majority of current copies.',
    );
}

type Change =
  | { readonly add: boolean; readonly remove: boolean; readonly replace?: string }
  | { readonly bucket: string; readonly region: string };

async function run(name: string, change: Change, options: VoterOptions): Promise<void> {
  const { accessHub } = await import('./store-hub.ts');
  const hub = await accessHub(options);
  try {
    const next = await aimOf(change, hub);
    const { lookForSure } = await import('../store/voters/change.ts');
    const { systemClock } = await import('../base/clock.ts');
    const seen = await lookForSure({
      look: () => hub.servers.look(),
      next,
      clock: systemClock,
      sleep: async (ms) => void (await sleep(ms)),
    });
    const { foresee } = await import('../store/voters/plan.ts');
    const plan = foresee(seen, next);
    const only = name === 'plan' || options.plan === true || options.yes !== true;
    await show(seen, plan, hub, options, only);
    if (plan.end.next === 'refused') {
      throw new MeridianError(plan.end.code, `refused: ${plan.end.why}`);
    }
    if (name === 'plan' || options.plan || plan.steps.length === 0) return;
    if (!options.yes) {
      if (!options.json) print('\nNothing was changed. With --yes it is done.');
      process.exitCode = 2;
      return;
    }
    await carryOut(hub, next, options);
  } finally {
    await hub.close();
  }
}

async function aimOf(change: Change, { voters }: HubAccess): Promise<(hub: Hub) => Outcome> {
  if ('bucket' in change) {
    const { nextMove } = await import('../store/voters/next-move.ts');
    const { streamOf } = await import('../store/jetstream/subjects.ts');
    const move = { stream: streamOf(change.bucket), region: change.region };
    return (hub) => nextMove(hub, move);
  }
  const { nextStep } = await import('../store/voters/next-step.ts');
  return (hub) => nextStep(hub, { ...change, voters });
}

async function show(
  seen: Hub,
  plan: Plan,
  { voters, startHint }: HubAccess,
  { json }: VoterOptions,
  only: boolean,
): Promise<void> {
  if (json) {
    if (only) printJson({ voters, hub: seen, steps: plan.steps, end: plan.end });
    return;
  }
  const { copiesInWords, describeStep, hubRows, riskOf } = await import('../store/voters/words.ts');
  print(table(hubRows(seen)));
  print(copiesInWords(seen));
  print(`wanted: voters in ${voters.join(', ')}`);
  if (plan.steps.length > 0) print('');
  for (const [index, step] of plan.steps.entries()) {
    print(`${String(index + 1).padStart(2)}. ${describeStep(step)}`);
    if (step.do === 'start' && startHint) print(`      ${startHint(step)}`);
  }
  const risks = new Set(plan.steps.flatMap((step) => riskOf(step) ?? []));
  if (risks.size > 0) print('');
  for (const risk of risks) print(styled('dim', risk));
  if (plan.end.next === 'wait') print(`\nfirst: ${plan.end.why}`);
  if (plan.end.next === 'done' && plan.steps.length === 0) print('nothing is to be done');
}

async function carryOut(
  hub: HubAccess,
  next: (hub: Hub) => Outcome,
  { json, patience = 600_000 }: VoterOptions,
): Promise<void> {
  const { changeHub } = await import('../store/voters/change.ts');
  const { describeStep } = await import('../store/voters/words.ts');
  const { systemClock } = await import('../base/clock.ts');
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  if (!json) print('');
  const startedMs = systemClock.monotonicMs();
  const onEvent = (event: ChangeEvent) => {
    const atMs = systemClock.monotonicMs() - startedMs;
    if (json) return print(JSON.stringify({ atMs: Math.round(atMs), ...event }));
    const text = event.event === 'step' ? describeStep(event.step) : `  ${event.why}`;
    print(`${(atMs / 1_000).toFixed(0).padStart(4)} s  ${text}`);
    if (event.event === 'step' && event.step.do === 'start' && hub.startHint) {
      print(`        ${hub.startHint(event.step)}`);
    }
  };
  await changeHub({
    look: () => hub.servers.look(),
    next,
    do: (step) => carryOutStep(hub, step),
    onEvent,
    clock: systemClock,
    sleep: async (ms) => void (await sleep(ms)),
    patienceMs: patience,
    stop: stop.signal,
  });
  const tookMs = Math.round(systemClock.monotonicMs() - startedMs);
  if (json) print(JSON.stringify({ atMs: tookMs, event: 'done' }));
  else print(`done in ${(tookMs / 1_000).toFixed(0)} s: every copy is current`);
}

async function carryOutStep(hub: HubAccess, step: Step): Promise<void> {
  if (step.do === 'start') return await hub.start(step);
  await hub.servers.do(step);
  if (step.do === 'forget') await hub.ended(step.server);
}
