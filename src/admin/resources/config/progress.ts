import { json } from '../../answer.ts';
import { readSequence } from '../../read-number.ts';
import type { Resource } from '../resource.ts';

export const progress: Resource = {
  path: '/config/progress',
  method: 'GET',
  summary: 'How far a revision has come: the rollout, and each node with its outcome.',
  parameters: { sequence: 'required' },
  async answer(view, { sequence = '' }) {
    const nodes = await view.revisions.progress(readSequence(sequence));
    // Asked second: what it says of the rollout is not older than what the nodes say.
    const { head } = await view.revisions.current();
    return json(200, { head, nodes });
  },
};
