import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const listShifts: Resource = {
  path: '/shifts',
  method: 'GET',
  summary: 'Shifts of traffic: those in force, and the last of those that are over.',
  answer: async (view) => json(200, { shifts: await view.shifts.list() }),
};
