import type { ShiftStatus } from '../admin/shifts-view.ts';
import type { Config } from '../config/schema/config.ts';
import type { AdminConnection } from './admin-connection.ts';

/** A shift of traffic that a configuration would end, since it has other weights. */
export interface EndedShift {
  readonly id: string;
  readonly subject: string;
  readonly to: string;
  /** In percent, as it holds now. */
  readonly share: number;
}

/** Of a node that knows of no shifts (an older one): none. */
export async function endedShifts(admin: AdminConnection, config: Config): Promise<EndedShift[]> {
  const { weightsOf } = await import('../steering/shifts/subject.ts');
  const answer = await admin.get('/shifts').catch(() => undefined);
  const { shifts = [] } = (answer ?? {}) as { shifts?: readonly ShiftStatus[] };
  return shifts
    .filter(({ holds, of, basis }) => holds && weightsOf(of, config)?.basis !== basis)
    .map(({ id, subject, to, share }) => ({ id, subject, to, share }));
}

export function describeEnded({ id, subject, share }: EndedShift): string {
  return `ends shift ${id} of ${subject}, at ${share} %: its weights are changed here`;
}
