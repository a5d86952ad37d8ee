import { json } from '../answer.ts';
import type { Resource } from './resource.ts';

export const ready: Resource = {
  path: '/ready',
  method: 'GET',
  summary: 'Answers 200 when the node serves, else 503 with the reasons.',
  answer(view) {
    const readiness = view.ready();
    return json(readiness.ready ? 200 : 503, readiness);
  },
};
