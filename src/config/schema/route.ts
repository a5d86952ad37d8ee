import { z } from 'zod';
import { bodyLimitSchema } from './limits.ts';
import { policiesSchema } from './policy.ts';
import { residencySchema } from './service.ts';
import { nameSchema } from './units.ts';

const hostPattern = z
  .string()
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/,
    'expected a host in lower case, such as "api.example.com" or "*.example.com"',
  );

const pathText = z
  .string()
  .regex(
    /^\/[^\s?#%\\\u0000-\u001f\u007f]*$/,
    'expected a path that starts with "/", without space, "?", "#", "%" or "\\"',
  );

export const methodSchema = z
  .string()
  .regex(/^[A-Z][A-Z-]{0,31}$/, 'expected a method in upper case, such as "GET"');

export const routeSchema = z
  .strictObject({
    name: nameSchema.meta({ description: 'For logs, metrics and messages.' }),
    hosts: z.array(hostPattern).min(1).optional().meta({
      description: 'Hosts that match: exact, or `*.example.com` for names below. Default: any.',
    }),
    prefix: pathText.optional().meta({
      description: 'Matches this path and all below it, by whole segments. Default: `/`.',
    }),
    pattern: pathText.optional().meta({
      description: 'Matches a whole path; `:name` stands for one segment: `/v1/rates/:pair`.',
    }),
    methods: z.array(methodSchema).min(1).optional().meta({ description: 'Default: any method.' }),
    service: nameSchema.meta({ description: 'Where matching requests go.' }),
    policies: policiesSchema,
    limits: z
      .strictObject({ body: bodyLimitSchema })
      .optional()
      .meta({ description: 'In place of those of all routes.' }),
    residency: residencySchema.optional(),
  })
  .refine((route) => route.prefix === undefined || route.pattern === undefined, {
    error: 'a route has a `prefix` or a `pattern`, not both',
    path: ['pattern'],
  })
  .meta({ not: { required: ['prefix', 'pattern'] } });

export type RouteConfig = z.output<typeof routeSchema>;
