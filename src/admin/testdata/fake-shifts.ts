import { systemClock } from '../../base/clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { isActive, type ShiftDocument, shareOfShift } from '../../shifts/shift.ts';
import { Shifts } from '../../shifts/shifts.ts';
import { shopRoute } from '../../shifts/testdata/shop.ts';
import { subjectName } from '../../steering/shifts/subject.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import type { OperateShift, ShiftsView, StartShift } from '../shifts-view.ts';

const location = { latitude: 0, longitude: 0 };

export const shiftedConfig = configSchema.parse({
  regions: {
    'eu-west-1': { address: '192.0.2.1', location },
    'us-east-1': { address: '192.0.2.2', location },
    'witness-1': { address: '192.0.2.3', location, kind: 'witness' },
  },
  services: {
    shop: { endpoints: { 'eu-west-1': ['10.0.0.1:80'] } },
    canary: { endpoints: { 'eu-west-1': ['10.0.0.2:80'] } },
  },
  routes: [shopRoute(), { name: 'plain', prefix: '/plain', service: 'shop' }],
  zones: {
    'example.com': {
      ttl: '5s',
      records: [
        {
          name: 'api',
          type: 'A',
          routing: 'weighted',
          answers: [
            { region: 'eu-west-1', weight: 3 },
            { region: 'us-east-1', weight: 1 },
          ],
        },
        { name: 'near', type: 'A', routing: 'latency' },
        { name: 'only', type: 'A', answers: [{ region: 'us-east-1' }] },
        { name: 'fixed', type: 'A', values: ['192.0.2.9'] },
      ],
    },
  },
});

/** Real shifts in memory, which no node moves on. */
export class FakeShifts implements ShiftsView {
  readonly core = new Shifts(new MemoryStore(systemClock), systemClock);
  readonly started: StartShift[] = [];

  async list() {
    const seen = await this.core.read();
    return (seen?.document.shifts ?? []).map((shift) => ({
      id: shift.id,
      subject: subjectName(shift.subject),
      of: shift.subject,
      basis: shift.basis,
      to: shift.to,
      state: shift.state,
      share: shareOfShift(shift),
      holds: isActive(shift),
      from: shift.from,
      configured: shift.configured,
      steps: shift.steps,
      step: shift.step,
      turn: shift.turn,
      reason: shift.reason,
      changedAt: shift.changedAt,
    }));
  }

  async start(request: StartShift) {
    this.started.push(request);
    const { plan, author, message } = request;
    const document = await this.core.start(plan, shiftedConfig, this.#wish(author, message));
    return { shift: newest(document), leftBehind: [] };
  }

  async operate({ id, operation, turn, author, message }: OperateShift) {
    return newest(await this.core.operate(id, operation, this.#wish(author, message), turn));
  }

  events(limit: number) {
    return this.core.events(limit);
  }

  #wish(author: string, message: string) {
    return { author, message, known: undefined };
  }
}

function newest({ shifts }: ShiftDocument) {
  return shifts[0]!;
}
