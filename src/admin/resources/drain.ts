import { json } from '../answer.ts';
import type { Resource } from './resource.ts';

export const drain: Resource = {
  path: '/drain',
  method: 'POST',
  summary: 'Starts to drain: DNS sends clients elsewhere, requests are still served.',
  answer(view) {
    view.drain();
    return json(202, { draining: true });
  },
};
