import { explained } from './explained.ts';
import type { Resource } from './resource.ts';

export const explainDns: Resource = {
  path: '/explain/dns',
  method: 'GET',
  summary: 'What a DNS query would be answered, and why.',
  parameters: { name: 'required', type: 'optional', client: 'optional' },
  answer(view, { name = '', type = 'A', client }) {
    return explained(() => view.explainDns(name, type, client));
  },
};
