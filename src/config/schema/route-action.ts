import { z } from 'zod';
import { fieldName, fieldValue, hostName, pathText, portSchema } from './units.ts';

export const redirectSchema = z
  .strictObject({
    scheme: z.enum(['http', 'https']).optional().meta({ description: 'Default: as it came.' }),
    host: hostName.optional().meta({ description: 'Default: as it came.' }),
    port: portSchema.optional().meta({
      description: 'Default: as it came, or with `scheme` the port that goes without saying.',
    }),
    prefix: pathText.optional().meta({ description: 'In place of the prefix that matched.' }),
    path: pathText.optional().meta({
      description: 'In place of the path; `:name` stands for a parameter of the `pattern`.',
    }),
    query: z.enum(['keep', 'drop']).default('keep').meta({ description: 'What becomes of it.' }),
    status: z
      .literal([301, 302, 303, 307, 308])
      .default(302)
      .meta({ description: '307 and 308 keep method and content.' }),
  })
  .refine(({ prefix, path }) => prefix === undefined || path === undefined, {
    error: 'a redirect has a `prefix` or a `path`, not both',
    path: ['path'],
  })
  .meta({
    description:
      'Sends the client elsewhere. Within a domain, without `host`, a new path is below the base path.',
  });

export const respondSchema = z
  .strictObject({
    status: z.int().min(200).max(599).meta({ description: 'Status code.' }),
    body: z.string().max(65_536).default('').meta({ description: 'Content of the response.' }),
    contentType: fieldValue
      .default('text/plain; charset=utf-8')
      .meta({ description: 'Of the content.' }),
    headers: z.record(fieldName, fieldValue).default({}).meta({ description: 'Further fields.' }),
  })
  .refine(({ status, body }) => (status !== 204 && status !== 304) || body === '', {
    error: 'a response with this status has no content',
    path: ['body'],
  })
  .meta({ description: 'Answers by itself.' });

export const rewriteSchema = z
  .strictObject({
    prefix: pathText.optional().meta({ description: 'In place of the prefix that matched.' }),
    path: pathText.optional().meta({
      description: 'In place of the path; `:name` stands for a parameter of the `pattern`.',
    }),
    host: hostName.optional().meta({ description: 'In place of the host.' }),
  })
  .refine(({ prefix, path }) => prefix === undefined || path === undefined, {
    error: 'a rewrite has a `prefix` or a `path`, not both',
    path: ['path'],
  })
  .meta({ description: 'What the service sees in place of what was sent.' });

export type RedirectConfig = z.output<typeof redirectSchema>;
export type RespondConfig = z.output<typeof respondSchema>;
export type RewriteConfig = z.output<typeof rewriteSchema>;
