import { compactJson } from '../../answer.ts';
import { readSequence } from '../../read-number.ts';
import type { Resource } from '../resource.ts';

export const document: Resource = {
  path: '/config/document',
  method: 'GET',
  summary: 'The configuration as written: of a revision, or what this node runs.',
  parameters: { sequence: 'optional' },
  async answer(view, { sequence }) {
    const wanted = sequence === undefined ? undefined : readSequence(sequence);
    return compactJson(200, await view.revisions.document(wanted));
  },
};
