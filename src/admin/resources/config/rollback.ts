import { z } from 'zod';
import { json } from '../../answer.ts';
import type { RollbackRequest } from '../../node-view.ts';
import { readJson } from '../../read-json.ts';
import type { Resource } from '../resource.ts';
import { changeFields, revisionRefSchema } from './change.ts';

const rollbackSchema = z.strictObject({
  base: revisionRefSchema,
  to: z.int().min(1).optional(),
  ...changeFields,
});

export const rollback: Resource = {
  path: '/config/rollback',
  method: 'POST',
  summary: 'Brings the content of an earlier revision back, as a new one.',
  body: { contentType: 'application/json', limitBytes: 64 * 1024 },
  async answer(view, _, body) {
    const { base, to, author, message, change } = readJson(body, rollbackSchema);
    const request: RollbackRequest = { base, to, author, message, change };
    return json(200, { revision: await view.revisions.rollback(request) });
  },
};
