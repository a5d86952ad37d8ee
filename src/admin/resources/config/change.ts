import { z } from 'zod';

/** What every change of the configuration says of itself; `checkAuthor` says what may stand there. */
export const changeFields = {
  author: z.string(),
  message: z.string(),
  change: z.string().optional(),
};

export const revisionRefSchema = z.strictObject({
  sequence: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal'),
});
