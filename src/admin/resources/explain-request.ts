import { json } from '../answer.ts';
import type { Resource } from './resource.ts';

export const explainRequest: Resource = {
  path: '/explain/request',
  method: 'GET',
  summary: 'What would happen to a request, and why.',
  parameters: { method: 'optional', url: 'required' },
  async answer(view, { method = 'GET', url = '' }) {
    return json(200, await view.explainRequest(method, url));
  },
};
