import { json } from '../../answer.ts';
import { readNumber } from '../../read-number.ts';
import type { Resource } from '../resource.ts';

export const history: Resource = {
  path: '/config/history',
  method: 'GET',
  summary: 'Revisions, the newest first: 20, or as many as `limit` says.',
  parameters: { limit: 'optional' },
  async answer(view, { limit = '20' }) {
    const revisions = await view.revisions.history(readNumber('limit', limit, 1, 1_000));
    return json(200, { revisions });
  },
};
