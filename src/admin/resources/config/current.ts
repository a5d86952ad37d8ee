import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const current: Resource = {
  path: '/config',
  method: 'GET',
  summary: 'The revision that regions are to run, the rollout, and what this node runs.',
  answer: async (view) => json(200, await view.revisions.current()),
};
