import { json } from '../../answer.ts';
import { readNumber } from '../../read-number.ts';
import type { Resource } from '../resource.ts';

export const shiftHistory: Resource = {
  path: '/shifts/history',
  method: 'GET',
  summary: 'What was done to shifts, by whom and why, the newest first.',
  parameters: { limit: 'optional' },
  async answer(view, { limit = '100' }) {
    return json(200, { events: await view.shifts.events(readNumber('limit', limit, 1, 1_000)) });
  },
};
