import { z } from 'zod';
import { durationMs } from './units.ts';

const statuses = z.array(z.int().min(400).max(599)).max(64).default([]);

export const ejectionSchema = z
  .strictObject({
    failures: z.int().min(1).max(1_000).default(2).meta({
      description: 'Consecutive failures of real traffic that eject an endpoint on this node.',
    }),
    failureShare: z.number().gt(0).max(1).optional().meta({
      description: 'Share of failed requests in a window that ejects too. Default: none does.',
    }),
    minimumRequests: z.int().min(1).max(1_000_000).default(20).meta({
      description: 'With fewer in a window the share says nothing.',
    }),
    window: durationMs({ minMs: 1_000, maxMs: 3_600_000 })
      .prefault('10s')
      .meta({ description: 'In which the share is counted.' }),
    statuses: statuses.meta({
      description:
        'Status codes of responses that count as failures. Default: only requests without a valid response do.',
    }),
    duration: durationMs({ minMs: 100, maxMs: 3_600_000 })
      .prefault('5s')
      .meta({ description: 'Until it is tried again; doubled each time that this fails.' }),
    maximumDuration: durationMs({ minMs: 100, maxMs: 86_400_000 })
      .prefault('30s')
      .meta({ description: 'Longest time until it is tried again.' }),
    trials: z.int().min(1).max(1_000).default(1).meta({
      description: 'Requests at a time that try it again, and successes that end the ejection.',
    }),
    maximumShare: z.number().gt(0).max(1).default(0.5).meta({
      description: 'Largest share of the endpoints of a region ejected at once (at least one).',
    }),
  })
  .prefault({})
  .meta({ description: "A node's own, immediate avoidance of an endpoint: its circuit breaker." });

export const retriesSchema = z
  .strictObject({
    attempts: z.int().min(0).max(10).default(3).meta({
      description:
        'Further attempts at most, after the first: two endpoints of the own region in all, then two other regions, then what is left of the own endpoints. One on a fresh connection, where a reused one had died, counts but is always allowed.',
    }),
    budget: z.number().min(0).max(1).default(0.2).meta({
      description: 'Share of the live requests of the service, on this node, that may be retries.',
    }),
    minimum: z.int().min(0).max(10_000).default(10).meta({
      description: 'Retries at a time that are always allowed.',
    }),
    statuses: statuses.meta({
      description:
        'Status codes after which an idempotent request is tried elsewhere. Default: none.',
    }),
  })
  .prefault({})
  .meta({ description: 'When a request is sent again. Never after a byte of a response.' });

export const concurrencySchema = z
  .strictObject({
    maximum: z.int().min(1).max(1_000_000).meta({
      description: 'Requests under way at a time, on this node.',
    }),
    queue: z.int().min(0).max(100_000).default(0).meta({
      description: 'Requests that may wait for one of them to end, in each gateway thread.',
    }),
    queueTimeout: durationMs({ minMs: 10, maxMs: 60_000 })
      .prefault('1s')
      .meta({ description: 'How long one waits at most.' }),
  })
  .optional()
  .meta({ description: 'Limit of a service; beyond it 503. Default: none.' });

export const totalTimeoutSchema = durationMs({ minMs: 10, maxMs: 86_400_000 }).optional().meta({
  description:
    'From the head of a request to the end of its response, retries included. Default: none, since a stream may last.',
});

export const prioritySchema = z
  .enum(['high', 'normal', 'low'])
  .meta({ description: 'Under overload `low` is refused first, `high` last. Default: `normal`.' });

export const sheddingSchema = z
  .union([
    z.literal('off'),
    z.strictObject({
      lag: durationMs({ minMs: 5, maxMs: 10_000 })
        .prefault('100ms')
        .meta({ description: 'Delay of the event loop from which requests are refused.' }),
    }),
  ])
  .prefault({})
  .meta({
    description:
      'Refuses a share of requests, by priority, while a gateway thread cannot keep up. `off`: never.',
  });

export type EjectionConfig = z.output<typeof ejectionSchema>;
export type RetriesConfig = z.output<typeof retriesSchema>;
export type ConcurrencyConfig = NonNullable<z.output<typeof concurrencySchema>>;
export type Priority = z.output<typeof prioritySchema>;
export type SheddingConfig = z.output<typeof sheddingSchema>;
