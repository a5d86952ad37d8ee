import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const deleteSecret: Resource = {
  path: '/secrets/delete',
  method: 'POST',
  summary: 'Removes a secret from the store.',
  parameters: { name: 'required' },
  async answer(view, { name = '' }) {
    await view.secrets.delete(name);
    return json(200, { deleted: name });
  },
};
