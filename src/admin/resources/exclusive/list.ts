import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const listExclusive: Resource = {
  path: '/exclusive',
  method: 'GET',
  summary: 'What may be active in one region at a time: which one is, and why.',
  answer: (view) => json(200, { exclusive: view.exclusive.list() }),
};
