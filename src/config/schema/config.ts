import { z } from 'zod';
import { timingSchema } from './check.ts';
import { regionsSchema } from './region.ts';
import { routeSchema } from './route.ts';
import { serviceSchema } from './service.ts';
import { stackSchema } from './stack.ts';
import { durationMs, nameSchema, portSchema } from './units.ts';
import { zoneSchema } from './zone.ts';

const portsSchema = z
  .strictObject({
    http: portSchema.default(8080),
    https: portSchema.default(8443),
    dns: portSchema.default(5300).meta({ description: 'UDP and TCP.' }),
    admin: portSchema.default(9000),
    link: portSchema.default(9443).meta({ description: 'Inter-region link, mutual TLS.' }),
  })
  .meta({ description: 'The ports that every region listens on.' });

const storeSchema = z.discriminatedUnion('engine', [
  z.strictObject({ engine: z.literal('memory') }),
  z.strictObject({
    engine: z.literal('jetstream'),
    servers: z
      .record(nameSchema, z.array(z.string().min(1)).min(1))
      .optional()
      .meta({
        description:
          'URLs of the local leaf servers of each region: `nats://host:port`. A stack fills this in.',
      }),
  }),
]);

const pemPaths = {
  certificate: z.string().min(1).meta({ description: 'PEM file; `{region}` is replaced.' }),
  key: z.string().min(1).meta({ description: 'PEM file; `{region}` is replaced.' }),
};

export const configSchema = z
  .strictObject({
    version: z.literal(1).default(1),
    regions: regionsSchema,
    ports: portsSchema.prefault({}),
    threads: z
      .strictObject({
        gateway: z.int().min(1).max(256).default(2),
        dns: z.int().min(1).max(64).default(1),
      })
      .prefault({})
      .meta({ description: 'Worker threads of a node.' }),
    tls: z.strictObject(pemPaths).optional().meta({
      description: 'Certificate of the HTTPS listener. A stack makes one.',
    }),
    identity: z
      .strictObject({ authority: z.string().min(1), ...pemPaths })
      .optional()
      .meta({ description: 'Identity of the region on the inter-region link. A stack makes one.' }),
    health: timingSchema.prefault({}).meta({ description: 'How gateways are probed.' }),
    drain: z
      .strictObject({ maximum: durationMs({ minMs: 0, maxMs: 3_600_000 }).prefault('30s') })
      .prefault({})
      .meta({ description: 'A graceful stop lasts the longest TTL + 2 s, and at most this.' }),
    services: z.record(nameSchema, serviceSchema).default({}),
    routes: z.array(routeSchema).default([]),
    zones: z.record(z.string(), zoneSchema).default({}),
    latency: z
      .array(
        z.strictObject({
          network: z.union([z.cidrv4(), z.cidrv6()]),
          regions: z.record(nameSchema, durationMs({ minMs: 0, maxMs: 10_000 })),
        }),
      )
      .default([])
      .meta({ description: 'Measured round trips from client networks; used before distance.' }),
    geo: z
      .strictObject({ database: z.string().min(1).optional() })
      .prefault({})
      .meta({ description: 'GeoIP database (mmdb). Default: the optional country data package.' }),
    accessLog: z.boolean().default(true).meta({
      description: 'Whether gateways write a line of JSON for each request.',
    }),
    store: storeSchema.prefault({ engine: 'memory' }),
    stack: stackSchema.optional(),
  })
  .meta({ title: 'Meridian configuration' });

/** What an operator may write (defaults not yet filled in). */
export type ConfigInput = z.input<typeof configSchema>;
/** The validated model with every default filled in. Frozen; every part of Meridian reads this. */
export type Config = z.output<typeof configSchema>;
