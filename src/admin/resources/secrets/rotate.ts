import { json } from '../../answer.ts';
import type { Resource } from '../resource.ts';

export const rotateSecrets: Resource = {
  path: '/secrets/rotate',
  method: 'POST',
  summary: 'Seals every secret anew under the newest outer key.',
  answer: async (view) => json(200, await view.secrets.rotate()),
};
