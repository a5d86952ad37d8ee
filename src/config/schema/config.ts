import { z } from 'zod';
import { accessLogSchema } from './access-log.ts';
import { gatewayCheckSchema } from './check.ts';
import { dataSchema } from './data.ts';
import { dnsSchema } from './dns.ts';
import { domainsSchema } from './domain.ts';
import { exclusiveSetsSchema } from './exclusive.ts';
import { latencySchema } from './latency.ts';
import { limitsSchema } from './limits.ts';
import { listenersSchema } from './listener.ts';
import { namedChecksSchema } from './named-check.ts';
import { pemPlace, pemSource } from './pem.ts';
import { pluginsSchema } from './policy.ts';
import { regionsSchema } from './region.ts';
import { sheddingSchema } from './resilience.ts';
import { routeSchema } from './route.ts';
import { serviceSchema } from './service.ts';
import { stackSchema } from './stack.ts';
import { tlsSchema } from './tls.ts';
import { durationMs, nameSchema, portSchema } from './units.ts';
import { zoneSchema } from './zone.ts';

const portsSchema = z
  .strictObject({
    http: portSchema.default(8080).meta({ description: 'The gateway, in clear.' }),
    https: portSchema.default(8443).meta({ description: 'The gateway, over TLS.' }),
    dns: portSchema.default(5300).meta({ description: 'Name server, UDP and TCP.' }),
    dot: portSchema.optional().meta({
      description:
        'Name server over TLS (RFC 7858), with the certificates of `tls`; 853 by custom. Default: none.',
    }),
    admin: portSchema.default(9000).meta({ description: 'Admin API and metrics.' }),
    link: portSchema.default(9443).meta({ description: 'Inter-region link, mutual TLS.' }),
  })
  .meta({ description: 'The ports that every region listens on.' });

const storeSchema = z.discriminatedUnion('engine', [
  z.strictObject({
    engine: z.literal('memory').meta({ description: 'Of one node, lost when it stops.' }),
  }),
  z.strictObject({
    engine: z.literal('jetstream').meta({ description: 'NATS JetStream: replicated state.' }),
    servers: z
      .record(nameSchema, z.array(z.string().min(1)).min(1))
      .optional()
      .meta({
        description:
          'URLs of the local leaf servers of each region: `nats://host:port`. A stack fills this in.',
      }),
    tls: z.boolean().default(false).meta({
      description:
        'Whether clients and servers prove themselves to each other by TLS, with the identity of the region (`identity`).',
    }),
  }),
]);

const pemPaths = { certificate: pemSource, key: pemSource };

export const configSchema = z
  .strictObject({
    version: z.literal(1).default(1).meta({ description: 'Of this format.' }),
    regions: regionsSchema,
    ports: portsSchema.prefault({}),
    threads: z
      .strictObject({
        gateway: z.int().min(1).max(256).default(2).meta({ description: 'For requests.' }),
        dns: z.int().min(1).max(64).default(1).meta({ description: 'For DNS queries.' }),
      })
      .prefault({})
      .meta({ description: 'Worker threads of a node.' }),
    listeners: listenersSchema.default({}),
    tls: tlsSchema.optional().meta({
      description:
        'Of every listener over TLS that has none of its own. A stack makes a certificate.',
    }),
    identity: z
      .strictObject({
        authority: z
          .string()
          .min(1)
          .meta({
            description: `The authority that signed the identities of all regions. ${pemPlace}`,
          }),
        ...pemPaths,
      })
      .optional()
      .meta({ description: 'Identity of the region on the inter-region link. A stack makes one.' }),
    health: gatewayCheckSchema.prefault({}).meta({ description: 'How gateways are probed.' }),
    checks: namedChecksSchema,
    exclusive: exclusiveSetsSchema,
    drain: z
      .strictObject({
        maximum: durationMs({ minMs: 0, maxMs: 3_600_000 })
          .prefault('30s')
          .meta({ description: 'Limit for a graceful stop.' }),
      })
      .prefault({})
      .meta({ description: 'A graceful stop lasts the longest TTL + 2 s, and at most this.' }),
    services: z
      .record(nameSchema, serviceSchema)
      .default({})
      .meta({ description: 'The APIs behind the gateway, by name.' }),
    routes: z
      .array(routeSchema)
      .default([])
      .meta({ description: 'Which requests go to which service. The most specific one wins.' }),
    domains: domainsSchema,
    defaultEndpoint: z.boolean().default(true).meta({
      description: 'Whether hosts are served that neither a domain nor a route names. Off: 421.',
    }),
    plugins: pluginsSchema,
    limits: limitsSchema,
    shedding: sheddingSchema,
    dns: dnsSchema,
    zones: z
      .record(z.string(), zoneSchema)
      .default({})
      .meta({ description: 'DNS zones that the regions answer for, by name: `example.com`.' }),
    latency: latencySchema,
    geo: z
      .strictObject({
        database: z.string().min(1).optional().meta({ description: 'File in MaxMind format.' }),
      })
      .prefault({})
      .meta({
        description: 'Where clients are, by GeoIP. Default: the optional country data package.',
      }),
    accessLog: accessLogSchema,
    store: storeSchema
      .prefault({ engine: 'memory' })
      .meta({ description: 'Where state lives that regions share.' }),
    data: dataSchema,
    staleness: z
      .strictObject({
        maximum: durationMs({ minMs: 10_000, maxMs: 30 * 86_400_000 })
          .prefault('1h')
          .meta({ description: 'Age beyond which a configuration counts as stale.' }),
        beyond: z.enum(['serve', 'withdraw']).default('serve').meta({
          description:
            '`serve`: go on and warn. `withdraw`: leave clients to other nodes, as in a drain, until it is current again.',
        }),
      })
      .prefault({})
      .meta({
        description:
          'What a node does that has not known for long whether its configuration is the newest.',
      }),
    stack: stackSchema.optional(),
  })
  .meta({ title: 'Meridian configuration' });

/** What an operator may write (defaults not yet filled in). */
export type ConfigInput = z.input<typeof configSchema>;
/** The validated model with every default filled in. Frozen; every part of Meridian reads this. */
export type Config = z.output<typeof configSchema>;
