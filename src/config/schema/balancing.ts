import { z } from 'zod';
import { durationMs } from './units.ts';

const slowStart = durationMs({ minMs: 100, maxMs: 3_600_000 }).optional().meta({
  description:
    'An endpoint that is admitted again starts at a tenth of its weight, and has all of it after this time. Default: at once.',
});

/** RFC 9110 section 5.6.2. */
const token = z
  .string()
  .max(256)
  .regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, 'expected a name without spaces or separators');

const hashKey = z
  .union([
    z
      .literal('address', {
        error: 'expected "address", or a map with one of `header`, `cookie` and `query`',
      })
      .meta({ description: 'The address of the client.' }),
    z.strictObject({
      header: token.meta({ description: 'A field of the request; its first line.' }),
    }),
    z.strictObject({ cookie: token.meta({ description: 'A cookie of the request.' }) }),
    z.strictObject({
      query: z
        .string()
        .min(1)
        .max(256)
        .regex(/^[!$'()*,./0-9:;?@A-Z_a-z~-]+$/, 'expected a name as it stands in a query')
        .meta({ description: 'A parameter of the query, compared as written.' }),
    }),
  ])
  .meta({
    description:
      'What the hash is taken of. A request without it is placed by the address of its client.',
  });

const choices = z.int().min(2).max(16).default(2);

const secretPlace = z
  .string()
  .min(1)
  .max(4_096)
  .regex(/^[^\r\n]+$/, 'expected the name of a file or `secret:NAME`, not the secret itself');

/** How the requests for a service in one region are spread over its endpoints, by weight. */
export const balancingSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('roundRobin').meta({ description: 'In turn, evenly spread in time.' }),
      slowStart,
    }),
    z.strictObject({
      type: z.literal('leastRequests').meta({ description: 'Where fewest are under way.' }),
      choices: z
        .union([choices, z.literal('full')])
        .default(2)
        .meta({
          description: 'How many endpoints, drawn at random, are compared; `full`: all of them.',
        }),
      slowStart,
    }),
    z.strictObject({
      type: z
        .literal('peakEwma')
        .meta({ description: 'Where latency times requests under way is least.' }),
      choices: choices.meta({ description: 'How many, drawn at random, are compared.' }),
      decay: durationMs({ minMs: 100, maxMs: 600_000 }).prefault('10s').meta({
        description: 'How long a peak of latency is remembered: it falls to 1/e in this time.',
      }),
      slowStart,
    }),
    z.strictObject({
      type: z.literal('ipHash').meta({
        description:
          'By the address of the client (of IPv6 its /64 network). For few endpoints: each is looked at.',
      }),
      slowStart,
    }),
    z.strictObject({
      type: z.literal('consistentHash').meta({
        description: 'By a key of the request, with a table (Maglev). For any number of endpoints.',
      }),
      key: hashKey,
      slowStart,
    }),
    z.strictObject({
      type: z.literal('sticky').meta({
        description:
          'A signed cookie keeps a client at the endpoint of its first request, which is chosen in turn.',
      }),
      cookie: token
        .optional()
        .meta({ description: 'Its name. Default: `meridian-` and the name of the service.' }),
      secret: secretPlace.meta({
        description:
          'What cookies are signed with, the same at all nodes: file with at least 32 characters, or `secret:NAME` for a secret of the store; `{region}` is replaced by the name of the region.',
      }),
      lifetime: durationMs({ minMs: 10_000, maxMs: 30 * 86_400_000 })
        .prefault('1h')
        .meta({
          description: 'Until a cookie expires. It is renewed in the second half of this time.',
        }),
      slowStart,
    }),
  ])
  .meta({ description: 'Which endpoint of the region takes a request.' });

export const spillOverSchema = z
  .strictObject({
    factor: z.number().min(1).max(100).default(1.4).meta({
      description:
        'A tier (the own zone, the rest of the region) takes this times its share of healthy weight, at most all requests; the rest goes to the next tier.',
    }),
    regions: z.boolean().default(false).meta({
      description:
        'Whether what the region cannot take by `factor` goes to other regions while it is healthy.',
    }),
  })
  .meta({ description: 'When requests leave the own zone, and the own region.' });

/** Of a node or an endpoint: compared as written. */
export const zoneNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/, 'expected a name, such as "eu-west-1a"')
  .optional();

export type BalancingConfig = z.output<typeof balancingSchema>;
export type BalancingType = BalancingConfig['type'];
export type HashKeyConfig = z.output<typeof hashKey>;
export type SpillOverConfig = z.output<typeof spillOverSchema>;
