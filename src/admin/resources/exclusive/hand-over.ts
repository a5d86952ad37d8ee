import { json } from '../../answer.ts';
import { fault } from '../../problems.ts';
import type { Resource } from '../resource.ts';

export const handOverExclusive: Resource = {
  path: '/exclusive/hand-over',
  method: 'POST',
  summary:
    'Asks that a region become active; `force=true`: though it is not healthy, and without the word of a holder that holds on.',
  parameters: { name: 'required', to: 'required', force: 'optional' },
  async answer(view, { name = '', to = '', force = 'false' }) {
    if (force !== 'true' && force !== 'false') {
      throw fault('bad_parameter', 'force is "true" or "false"');
    }
    await view.exclusive.handOver(name, to, force === 'true');
    return json(202, { name, to });
  },
};
