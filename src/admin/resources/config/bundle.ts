import { octets } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const bundle: Resource = {
  path: '/config/bundle',
  method: 'GET',
  summary: 'A file from which a new node starts when the store is gone.',
  answer: async (view) => octets(200, await view.revisions.bundle()),
};
