import { z } from 'zod';
import { answerSchema, recordNameSchema, steeringFields } from './answer.ts';
import { transferKeyName } from './dns.ts';
import { exclusiveReference } from './exclusive.ts';
import { pemPlace, pemSource } from './pem.ts';
import { nameServersSchema } from './server-address.ts';
import { durationMs, nameSchema } from './units.ts';

/** TTLs go to the wire in whole seconds. */
const ttl = durationMs({ minMs: 0, maxMs: 604_800_000 }).refine((ms) => ms % 1_000 === 0, {
  error: 'expected whole seconds',
});

export const recordTypeSchema = z.enum([
  'A',
  'AAAA',
  'CNAME',
  'DNAME',
  'TXT',
  'NS',
  'MX',
  'SRV',
  'PTR',
  'CAA',
  'TLSA',
  'SVCB',
  'HTTPS',
  'ALIAS',
  'DS',
]);

export const routingSchema = z.enum([
  'simple',
  'weighted',
  'failover',
  'latency',
  'multivalue',
  'geolocation',
  'geoproximity',
  'cidr',
]);

export const recordSetSchema = z.strictObject({
  name: recordNameSchema.meta({ description: 'Relative to the zone; `@` is its apex.' }),
  type: recordTypeSchema.meta({
    description:
      'SOA is made from `soa` and is not set here. `ALIAS` stands for A and AAAA: those of its `target`, beside other records and at the apex too.',
  }),
  ttl: ttl.optional().meta({ description: 'Default: that of the zone.' }),
  routing: routingSchema.default('simple').meta({
    description:
      'How an answer is chosen from those that are healthy: all (`simple`), up to eight by chance (`multivalue`), by chance in proportion to weight (`weighted`), the primary (`failover`), the region with the lowest round trip (`latency`), by area (`geolocation`), by distance and bias (`geoproximity`) or by network (`cidr`) of the client.',
  }),
  values: z.array(z.string().min(1)).min(1).optional().meta({
    description:
      'Record data of a plain record set, in the text form of RFC 1035: a name without a final dot is relative to the zone.',
  }),
  answers: z.array(answerSchema).min(1).optional().meta({
    description:
      'What the routing policy chooses from. Default for `latency`: every region that serves.',
  }),
  service: nameSchema.optional().meta({
    description:
      'The service that the name stands for: its residency bounds the answers, and where `evaluate` is `service` its state in each region counts.',
  }),
  evaluate: z.enum(['service', 'gateway', 'none']).default('service').meta({
    description:
      'Which health of a region decides: that of its gateway and of `service` there, of its gateway alone, or none.',
  }),
  exclusive: exclusiveReference.meta({
    description:
      'Of `exclusive`: the answer is that of the active region, and none while nobody is known to be. With routing `simple`. Default of `answers` for type A: its regions.',
  }),
  ...steeringFields,
  target: z.string().min(1).optional().meta({
    description:
      'For `ALIAS`: the name whose addresses are given, steered as they are there; of a name outside of the zones here, what `dns.resolver` says. A name without a final dot is relative to the zone.',
  }),
});

export const zoneSchema = z.strictObject({
  ttl: ttl.prefault('10s').meta({ description: 'Default TTL of the record sets.' }),
  soa: z
    .strictObject({
      hostmaster: z.string().optional().meta({
        description: 'Mailbox, such as `dns@example.com`. Default: `hostmaster` of the zone.',
      }),
      refresh: ttl.prefault('1h').meta({
        description: 'How often secondary name servers ask whether the zone has changed.',
      }),
      retry: ttl.prefault('5m').meta({
        description: 'After how long secondary name servers ask again that got no answer.',
      }),
      expire: ttl.prefault('168h').meta({
        description: 'For how long secondary name servers go on that reach no primary any more.',
      }),
      negativeTtl: ttl.prefault('5s').meta({
        description:
          'For how long resolvers remember that a name or a type is not there (SOA minimum).',
      }),
    })
    .prefault({})
    .meta({ description: 'What the SOA record of the zone says, where its `file` brings none.' }),
  dnssec: z
    .strictObject({
      keys: pemSource.meta({
        description: `Its keys, as \`meridian dnssec keys\` makes them. ${pemPlace.replace('PEM file', 'File')}`,
      }),
    })
    .optional()
    .meta({ description: 'Signs the zone by DNSSEC, each answer when it is given (ECDSA P-256).' }),
  transfer: z
    .strictObject({
      to: z
        .array(z.union([z.cidrv4(), z.cidrv6()]))
        .min(1)
        .meta({
          description: 'Networks of secondary name servers, such as `192.0.2.53/32`.',
        }),
      key: transferKeyName.optional().meta({
        description:
          'Of `dns.transferKeys`: with what requests must be signed besides. Notifications are signed with it.',
      }),
      notify: nameServersSchema().optional().meta({
        description:
          'Secondary name servers that are told of a new serial, and at the start (RFC 1996): addresses, with a port where that is not 53. Each node tells them, from the address that it listens on.',
      }),
    })
    .optional()
    .meta({
      description:
        'Who may have the zone whole (AXFR). What is steered is sent as a client gets it whose location nobody knows; keys are left out.',
    }),
  secondary: z
    .strictObject({
      primaries: nameServersSchema().meta({
        description:
          'Name servers to take it from, in this order: addresses, with a port where that is not 53.',
      }),
      key: transferKeyName.optional().meta({
        description:
          'Of `dns.transferKeys`: what questions to them are signed with, and answers must be.',
      }),
    })
    .optional()
    .meta({
      description:
        'The zone comes from other name servers (AXFR), and is kept up to date as its SOA says. In the place of `records`, `file`, `soa`, `ttl` and `nameservers`. With `dnssec` it is signed here.',
    }),
  nameservers: z.array(z.string().min(1)).min(1).optional().meta({
    description:
      'Name servers of the zone: absolute names, or without a dot below the zone. Default: `ns-REGION.ZONE` with the address of each region that serves.',
  }),
  file: z.string().min(1).optional().meta({
    description:
      'A master file (RFC 1035) with records of the zone, from the folder of this configuration on. It is read, with what it includes, when the configuration is loaded: a revision holds its text. Of its SOA all but the serial counts, before `soa`; `records` add to it.',
  }),
  contents: z.record(z.string(), z.string()).optional().meta({
    description:
      'The text of `file` and of the files that it includes, by name from its folder on. Filled in when the configuration is loaded.',
  }),
  records: z
    .array(recordSetSchema)
    .default([])
    .meta({ description: 'What stands in the zone, by name and type.' }),
});

export type RecordSetConfig = z.output<typeof recordSetSchema>;
export type RecordTypeName = z.output<typeof recordTypeSchema>;
export type ZoneConfig = z.output<typeof zoneSchema>;
