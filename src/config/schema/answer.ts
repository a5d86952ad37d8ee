import { z } from 'zod';
import { continents } from '../areas.ts';
import { nameSchema } from './units.ts';

const locationOfAnswerSchema = z
  .strictObject({
    continent: z.enum(continents).optional().meta({
      description: 'For `geolocation`: clients there. `OC` is Oceania, `AN` Antarctica.',
    }),
    country: z
      .string()
      .regex(/^[A-Z]{2}$/, 'expected a country by ISO 3166-1, such as "DE"')
      .optional()
      .meta({
        description: 'For `geolocation`: clients in this country, by ISO 3166-1, such as `DE`.',
      }),
    subdivision: z
      .string()
      .regex(/^[A-Z]{2}-[A-Z0-9]{1,3}$/, 'expected a subdivision by ISO 3166-2, such as "US-CA"')
      .optional()
      .meta({
        description:
          'For `geolocation`: clients in this state or province, by ISO 3166-2, such as `US-CA`. Only city databases know.',
      }),
    latitude: z.number().min(-90).max(90).optional().meta({
      description: 'For `geoproximity`: degrees north.',
    }),
    longitude: z.number().min(-180).max(180).optional().meta({
      description: 'For `geoproximity`: degrees east.',
    }),
  })
  .meta({
    description:
      'For `geolocation`: the continent, the country or the subdivision whose clients get this answer. For `geoproximity`: where the answer is; default: in its region.',
  });

/** Of a record set, relative to its zone. */
export const recordNameSchema = z
  .string()
  .regex(
    /^(@|(\*|[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*)$/,
    'expected a name below the zone in lower case, such as "api", "*.shop" or "@"',
  );

export const answerSchema = z.strictObject({
  region: nameSchema.optional().meta({
    description:
      'The region that this answer sends clients to; its health decides. Beside `alias` only where the answer stands, for `latency` and `geoproximity`.',
  }),
  values: z.array(z.string().min(1)).min(1).optional().meta({
    description: 'Record data. Default for type A with a region: the address of that region.',
  }),
  alias: recordNameSchema.optional().meta({
    description:
      'The answer comes from the record set of this name, in the same zone and of the same type, which may be steered itself. In place of `values`.',
  }),
  evaluateTargetHealth: z.boolean().optional().meta({
    description:
      'For `alias`: whether it is as healthy as what the record set would answer with; else it always counts as healthy. Default true.',
  }),
  check: nameSchema.optional().meta({
    description:
      'A check of `checks`: the answer is healthy only while it is, whatever `evaluate` says.',
  }),
  weight: z.int().min(0).max(255).default(1).meta({
    description:
      'For `weighted`: its share beside the weights of the others. 0: only when none that has a weight is healthy.',
  }),
  role: z.enum(['primary', 'secondary']).optional().meta({
    description: 'For `failover`: the secondary is given while no primary is healthy.',
  }),
  location: locationOfAnswerSchema.optional(),
  bias: z.int().min(-99).max(99).optional().meta({
    description:
      'For `geoproximity`: above 0 shrinks the distance by as many percent and so draws clients, below 0 stretches it. Default 0.',
  }),
  networks: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .min(1)
    .optional()
    .meta({ description: 'For `cidr`: the networks whose clients get this answer.' }),
  default: z.literal(true).optional().meta({
    description: 'For `geolocation` and `cidr`: the answer of clients that no other is for.',
  }),
});

/** What a record set says of the choice among its answers, besides `routing`. */
export const steeringFields = {
  lastResort: z
    .union([
      z.enum(['open', 'closed']),
      z.strictObject({
        fixed: z.array(z.string().min(1)).min(1).meta({ description: 'Record data to give then.' }),
      }),
    ])
    .default('open')
    .meta({
      description:
        'With no healthy answer: treat all as healthy (`open`), answer with nothing (`closed`), or with data for this case: `{ fixed: [192.0.2.9] }`.',
    }),
  minimumHealthyShare: z.number().gt(0).max(1).optional().meta({
    description:
      'The share that must be healthy, of weight for `weighted`, else of answers. With less the record set counts as unhealthy where it is an `alias`, and the last resort holds, rather than that all clients crowd on the rest.',
  }),
  stickyBy: z.enum(['network']).optional().meta({
    description:
      'For `weighted`: all of a client network (24 bits of IPv4, 48 of IPv6) get the same answer while it is healthy.',
  }),
};

export type AnswerConfig = z.output<typeof answerSchema>;
