import { type Amount, type HttpCase, NotMeasurable, type Outcome } from '../case.ts';
import { compareCpu, type Load } from '../cpu.ts';
import { targetsOf } from '../load/load-result.ts';
import { wrkFor } from '../load/wrk.ts';
import { startOrigin } from '../origin.ts';
import { manyRoutes, plainSetup, type Setup } from '../setup.ts';
import { Stage } from '../stage.ts';
import { startMeridian } from '../subjects/meridian.ts';
import { findTool, missing } from '../tools.ts';

const few = 10;
const many = 10_000;

/** Meridian with 10,000 routes beside Meridian with 10; all of them are asked in turn. */
export const routes10k: HttpCase = { name: 'routes-10k', besidePeers: false, run };

async function run(amount: Amount): Promise<Outcome[]> {
  if (findTool('wrk') === undefined) throw new NotMeasurable(missing('wrk'));
  await using stage = new Stage(amount.cores);
  const setup = plainSetup(await startOrigin(stage));
  const withRoutes = (count: number): Setup => ({ ...setup, routes: manyRoutes(count) });
  const large = await startMeridian(stage, withRoutes(many), { name: 'large' });
  const small = await startMeridian(stage, withRoutes(few), { name: 'small' });
  // The client costs the same for both: as many different requests, made of its routes.
  const wrks = new Map([
    [large, wrkFor(stage, targetsOf(manyRoutes(many)), 'large')],
    [small, wrkFor(stage, repeated(targetsOf(manyRoutes(few)), many), 'small')],
  ]);
  const load: Load = (subject, seconds) =>
    wrks.get(subject as typeof large)!(subject, { connections: 64, seconds });
  return await compareCpu({ subjects: [large, small], load, limit: { atMost: 1.05 } }, amount);
}

function repeated<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, at) => list[at % list.length]!);
}
