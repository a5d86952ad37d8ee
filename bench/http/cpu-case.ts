import {
  type Amount,
  type CaseName,
  type Goal,
  type HttpCase,
  NotMeasurable,
  type Outcome,
} from './case.ts';
import { compareCpu, type Load } from './cpu.ts';
import { startOrigin } from './origin.ts';
import type { Setup, Subject } from './setup.ts';
import { Stage } from './stage.ts';
import { startSubjects } from './subjects/subjects.ts';
import { findTool, missing } from './tools.ts';

/** A case that is about CPU time per request beside peers. */
export interface CpuCase {
  readonly name: CaseName;
  readonly tool: 'wrk' | 'h2load';
  setup(stage: Stage, originPort: number): Promise<Setup> | Setup;
  load(stage: Stage, setup: Setup): Load;
  /** @throws NotMeasurable when a subject does not do what the case is about. */
  check?(subjects: readonly Subject[]): Promise<void>;
  readonly limit?: Pick<Goal, 'atMost'>;
}

export function cpuCase(definition: CpuCase): HttpCase {
  const { name } = definition;
  return { name, besidePeers: true, run: (amount) => run(definition, amount) };
}

async function run(definition: CpuCase, amount: Amount): Promise<Outcome[]> {
  const { tool, limit } = definition;
  if (findTool(tool) === undefined) throw new NotMeasurable(missing(tool));
  if (amount.peers.length === 0) throw new NotMeasurable('there is no peer to measure against');
  await using stage = new Stage(amount.cores);
  const setup = await definition.setup(stage, await startOrigin(stage));
  const subjects = await startSubjects(stage, setup, amount.peers);
  await definition.check?.(subjects);
  const load = definition.load(stage, setup);
  return await compareCpu({ subjects, load, ...(limit && { limit }) }, amount);
}
