import { json } from '../answer.ts';
import type { Resource } from './resource.ts';

export const status: Resource = {
  path: '/status',
  method: 'GET',
  summary: 'Revision and its age, store, regions, services: states with their reasons.',
  answer: (view) => json(200, view.status()),
};
