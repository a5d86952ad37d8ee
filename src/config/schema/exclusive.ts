import { z } from 'zod';
import { durationMs, nameSchema } from './units.ts';

/** A tenth of the lease. */
const defaultMarginShare = 10;

export const exclusiveSetSchema = z
  .strictObject({
    regions: z.array(nameSchema).min(1).meta({
      description:
        'The regions that may be active, in order of preference: of several that could take over, the first does.',
    }),
    lease: durationMs({ minMs: 2_000, maxMs: 300_000 }).prefault('5s').meta({
      description:
        'For how long the active region is active after its last word to the store, which it gives every third of that. Another one takes over that much later, and the margin.',
    }),
    margin: durationMs({ minMs: 50, maxMs: 60_000 }).optional().meta({
      description:
        'How far the clocks of two nodes may come apart over a lease. Default: a tenth of the lease.',
    }),
    storeLoss: z.enum(['stop', 'hold']).default('stop').meta({
      description:
        'What the active region does while it cannot reach the store. `stop`: it ends with its lease. `hold`: it goes on; then no other region takes over by itself, unless it gave up the lease or an operator takes that from it.',
    }),
    prefer: z.enum(['holder', 'first']).default('holder').meta({
      description:
        'Who is to be active while all is well: whoever is, or the first of `regions`, which gets it back after 30 s in health.',
    }),
    elsewhere: z.enum(['refuse', 'relay']).default('refuse').meta({
      description:
        'What a gateway does with a request while its region is not active: answer 503 `not_active`, or relay it to the active region.',
    }),
  })
  .transform((set) => ({ ...set, margin: set.margin ?? Math.ceil(set.lease / defaultMarginShare) }))
  .meta({ description: 'What may be active in one region at a time, by a lease in the store.' });

export const exclusiveSetsSchema = z.record(nameSchema, exclusiveSetSchema).default({}).meta({
  description:
    'Sets that may be active in one region at a time, by name. Services, routes and record sets refer to them.',
});

export const exclusiveReference = nameSchema.optional();

export type ExclusiveSetConfig = z.output<typeof exclusiveSetSchema>;
