import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const drift: Resource = {
  path: '/config/drift',
  method: 'GET',
  summary: 'What each node runs against what its region is to run, and for how long.',
  answer: async (view) => json(200, { nodes: await view.revisions.drift() }),
};
