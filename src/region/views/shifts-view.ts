import type { ShiftsView } from '../../admin/shifts-view.ts';
import { unhealthy } from '../../health/table.ts';
import { fail } from '../../shifts/errors.ts';
import { leftBehind } from '../../shifts/plan.ts';
import type { ShiftPlan } from '../../shifts/shift.ts';
import type { LiveConfiguration } from '../configuration/live-configuration.ts';
import type { NodeShifts } from '../shifts/node-shifts.ts';

/** Shifts by the admin API of any node. */
export function createShiftsView(
  own: NodeShifts,
  live: Pick<LiveConfiguration, 'generation'>,
): ShiftsView {
  const { shifts } = own;
  const wish = (author: string, message: string) => ({ author, message, known: own.document });
  return {
    list: async () => own.statuses(),
    start: async ({ plan, author, message }) => {
      checkHealth(plan, live);
      const { config } = live.generation.configuration;
      const document = await shifts.start(plan, config, wish(author, message));
      own.adopt(document);
      const { subject } = plan;
      const left = subject.kind === 'region' ? leftBehind(subject.region, config) : [];
      return { shift: document.shifts[0]!, leftBehind: left };
    },
    operate: async ({ id, operation, turn, author, message }) => {
      const document = await shifts.operate(id, operation, wish(author, message), turn);
      own.adopt(document);
      return document.shifts[0]!;
    },
    events: (limit) => shifts.events(limit),
  };
}

/** Whoever is to take the clients of a region has to be there. @throws `shift_unsafe` */
function checkHealth(
  { subject, steps }: ShiftPlan,
  { generation: { topology, table } }: Pick<LiveConfiguration, 'generation'>,
): void {
  if (subject.kind !== 'region' || (steps.at(-1) ?? 100) >= 100) return;
  const { region } = subject;
  const others = topology.regions.filter(({ name, serves }) => serves && name !== region);
  const fit = others.some(({ index }) => table.gateway(index) !== unhealthy);
  if (others.length === 0 || fit) return;
  fail('shift_unsafe', `${region} cannot give its clients away: no other region is healthy`, {
    region,
  });
}
