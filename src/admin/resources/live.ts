import { json } from '../answer.ts';
import type { Resource } from './resource.ts';

export const live: Resource = {
  path: '/live',
  method: 'GET',
  summary: 'Answers 200 while the process lives, whatever else is wrong.',
  answer: () => json(200, { status: 'live' }),
};
