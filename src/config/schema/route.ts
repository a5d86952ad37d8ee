import { z } from 'zod';
import { exclusiveReference } from './exclusive.ts';
import { bodyLimitSchema } from './limits.ts';
import { policiesSchema } from './policy.ts';
import { prioritySchema, totalTimeoutSchema } from './resilience.ts';
import { redirectSchema, respondSchema, rewriteSchema } from './route-action.ts';
import { residencySchema } from './service.ts';
import { fieldName, hostPattern, nameSchema, pathText } from './units.ts';

export const methodSchema = z
  .string()
  .regex(/^[A-Z][A-Z-]{0,31}$/, 'expected a method in upper case, such as "GET"');

/** `{ name, value }` or `{ name, present }`. */
function conditionSchema(name: z.ZodString, named: string, said: string) {
  return z
    .strictObject({
      name: name.meta({ description: named }),
      value: z.string().max(4_096).optional().meta({ description: said }),
      present: z
        .boolean()
        .optional()
        .meta({ description: 'Whether it is there, whatever it says.' }),
    })
    .refine(({ value, present }) => (value === undefined) !== (present === undefined), {
      error: 'expected a `value` or `present`, one of the two',
    });
}

const headerCondition = conditionSchema(
  fieldName,
  'Field name; case does not count.',
  'The whole value of one of its field lines.',
);
const queryCondition = conditionSchema(
  z.string().min(1).max(256),
  'Name of the parameter, decoded.',
  'Value of the first parameter of that name, decoded.',
);

const weightedService = z.strictObject({
  service: nameSchema.meta({ description: 'Name of the service.' }),
  weight: z.int().min(0).max(1_000_000).default(1).meta({ description: 'Share of the requests.' }),
});

const actions = ['service', 'services', 'redirect', 'respond'] as const;
const paths = ['exact', 'prefix', 'pattern'] as const;

export const routeSchema = z
  .strictObject({
    name: nameSchema.meta({ description: 'For logs, metrics and messages.' }),
    api: nameSchema.optional().meta({
      description: 'The API that the route belongs to, for base paths of `domains`.',
    }),
    hosts: z.array(hostPattern).min(1).optional().meta({
      description: 'Hosts that match: exact, or `*.example.com` for names below. Default: any.',
    }),
    listeners: z.array(z.string()).min(1).optional().meta({
      description:
        'Listeners whose requests match, such as `[internal]`; for others the route is not there. Between routes that fit alike, conditions counted in, one that names the listener comes first. Default: any.',
    }),
    exact: pathText.optional().meta({ description: 'Matches this path alone.' }),
    prefix: pathText.optional().meta({
      description: 'Matches this path and all below it, by whole segments. Default: `/`.',
    }),
    pattern: pathText.optional().meta({
      description: 'Matches a whole path; `:name` stands for one segment: `/v1/rates/:pair`.',
    }),
    methods: z.array(methodSchema).min(1).optional().meta({ description: 'Default: any method.' }),
    headers: z.array(headerCondition).min(1).max(16).optional().meta({
      description: 'Header fields that a request must have, all of them.',
    }),
    query: z.array(queryCondition).min(1).max(16).optional().meta({
      description: 'Query parameters that a request must have, all of them.',
    }),
    service: nameSchema.optional().meta({ description: 'Where matching requests go.' }),
    services: z.array(weightedService).min(1).max(16).optional().meta({
      description: 'Where matching requests go, by weight.',
    }),
    redirect: redirectSchema.optional(),
    respond: respondSchema.optional(),
    rewrite: rewriteSchema.optional(),
    policies: policiesSchema,
    limits: z
      .strictObject({ body: bodyLimitSchema })
      .optional()
      .meta({ description: 'In place of those of all routes.' }),
    priority: prioritySchema.optional(),
    timeouts: z
      .strictObject({ total: totalTimeoutSchema })
      .optional()
      .meta({ description: 'In place of those of the service.' }),
    residency: residencySchema.optional(),
    exclusive: exclusiveReference.meta({
      description: 'Of `exclusive`: its requests are served in the active region only.',
    }),
  })
  .superRefine((route, context) => {
    const given = actions.filter((field) => route[field] !== undefined);
    if (given.length === 0) {
      const message = 'expected one of `service`, `services`, `redirect`, `respond`';
      context.addIssue({ code: 'custom', message, path: [] });
    }
    const [, secondAction] = given;
    if (secondAction !== undefined) {
      const message = `a route has \`${given[0]}\` or \`${secondAction}\`, not both`;
      context.addIssue({ code: 'custom', message, path: [secondAction] });
    }
    const [first, second] = paths.filter((field) => route[field] !== undefined);
    if (second !== undefined) {
      const message = `a route has \`${first}\` or \`${second}\`, not both`;
      context.addIssue({ code: 'custom', message, path: [second] });
    }
  });

export type RouteConfig = z.output<typeof routeSchema>;
export type HeaderCondition = z.output<typeof headerCondition>;
export type QueryCondition = z.output<typeof queryCondition>;
