import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const listSecrets: Resource = {
  path: '/secrets',
  method: 'GET',
  summary: 'The names of the secrets in the store, never their values.',
  answer: async (view) => json(200, { secrets: await view.secrets.list() }),
};
