import { z } from 'zod';
import { json } from '../../answer.ts';
import { readJson } from '../../read-json.ts';
import type { Resource } from '../resource.ts';

const operateSchema = z.strictObject({
  id: z.string().max(100),
  operation: z.enum(['pause', 'resume', 'advance', 'abort', 'finish']),
  /** Of the shift as it was listed: with another by now it is refused. */
  turn: z.int().min(1).optional(),
  author: z.string(),
  message: z.string().default(''),
});

export const operateShift: Resource = {
  path: '/shifts/operate',
  method: 'POST',
  summary: 'Pauses or resumes a shift, takes its next or its last step, or goes back to its start.',
  body: { contentType: 'application/json', limitBytes: 64 * 1024 },
  async answer(view, _, body) {
    return json(200, { shift: await view.shifts.operate(readJson(body, operateSchema)) });
  },
};
