import { z } from 'zod';

/** What every change of the configuration says of itself. Shown in terminals: no control characters. */
export const changeFields = {
  author: z
    .string()
    .min(1)
    .max(200)
    .regex(/^\P{Cc}+$/u, 'expected a name without control characters'),
  message: z
    .string()
    .max(2_000)
    .regex(/^[\P{Cc}\n\t]*$/u, 'expected text without control characters'),
};

export const revisionRefSchema = z.strictObject({
  sequence: z.int().min(1),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal'),
});
