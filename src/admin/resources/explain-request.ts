import { explained } from './explained.ts';
import type { Resource } from './resource.ts';

export const explainRequest: Resource = {
  path: '/explain/request',
  method: 'GET',
  summary: 'What would happen to a request, and why.',
  parameters: {
    ...{ method: 'optional', url: 'required', client: 'optional' },
    ...{ headers: 'optional', listener: 'optional' },
  },
  answer(view, { method = 'GET', url = '', client, headers, listener }) {
    return explained(() => view.explainRequest({ method, url, client, headers, listener }));
  },
};
