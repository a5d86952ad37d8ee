import { z } from 'zod';
import { byteSize, durationMs, nameSchema, portSchema } from './units.ts';

const KiB = 1024;
const GiB = 1024 ** 3;
const dayMs = 86_400_000;
const retention = durationMs({ minMs: 60_000, maxMs: 3_650 * dayMs });

/** A name that fits into those of the store's streams and their subjects. */
const bucketNameSchema = nameSchema.max(24, 'expected at most 24 characters');

export const dataBucketSchema = z.strictObject({
  consistency: z.enum(['sync', 'async']).meta({
    description:
      '`sync`: a write is acknowledged when a majority of regions has it on disk. `async`: when the own region has; the others get it after, and of two writes that did not know of each other the later one wins.',
  }),
  residency: z.array(nameSchema).min(1).optional().meta({
    description:
      'The regions that may hold the data; it is stored nowhere else and not sent elsewhere. Default: every region of kind `region`. A `sync` bucket is on every voter of the store, so these must be among them.',
  }),
  ttl: retention.optional().meta({
    description: 'For how long a value is kept after it was written. Default: for ever.',
  }),
  maximumValue: byteSize({ min: 1, max: 512 * KiB })
    .prefault('64KiB')
    .meta({ description: 'Largest value.' }),
  maximumSize: byteSize({ min: 64 * KiB, max: 1_024 * GiB })
    .prefault('256MiB')
    .meta({
      description:
        'Room for all values with their keys, in each copy. Writes that need more are refused. The buckets of a stack may need 7 GiB of each server of the store; an `async` one takes 1.3 times this.',
    }),
  conflicts: retention.prefault('7d').meta({
    description:
      'Of an `async` bucket: for how long writes are kept that lost to one which had not seen them.',
  }),
});

export const dataTokenSchema = z.strictObject({
  token: z
    .string()
    .min(1)
    .max(4_096)
    .regex(/^[^\r\n]+$/, 'expected the name of a file or `secret:NAME`, not the token itself')
    .optional()
    .meta({
      description:
        'What the service shows: file, or `secret:NAME` for a secret of the store; 16 characters or more of `A-Za-z0-9-._~+/`, then `=` if need be. `{region}` is replaced by the name of the region. A stack makes one.',
    }),
  rights: z.record(bucketNameSchema, z.enum(['read', 'write'])).meta({
    description: 'What it may do, by bucket; `write` includes `read`. Nothing in other buckets.',
  }),
});

export const dataNetworkSchema = z.union([z.cidrv4(), z.cidrv6()], {
  error: 'expected a network such as "10.0.0.0/8"',
});

export const dataSchema = z
  .strictObject({
    port: portSchema.default(9100).meta({
      description:
        'Where the nodes of a region serve the data API, to services of that region. Without buckets nothing listens.',
    }),
    clients: z.record(nameSchema, z.array(dataNetworkSchema).max(256)).default({}).meta({
      description:
        "The networks of each region's services: `10.0.0.0/8`. Default: the addresses of the region's endpoints. The node's own machine always may.",
    }),
    buckets: z
      .record(bucketNameSchema, dataBucketSchema)
      .default({})
      .meta({ description: 'Buckets of keys with values, by name.' }),
    tokens: z
      .record(nameSchema, dataTokenSchema)
      .default({})
      .meta({ description: 'Who may use them, by the name of the service.' }),
  })
  .prefault({})
  .meta({ description: 'Replicated key-value data for the services.' });

export type DataConfig = z.output<typeof dataSchema>;
export type DataBucketConfig = z.output<typeof dataBucketSchema>;
export type DataTokenConfig = z.output<typeof dataTokenSchema>;
