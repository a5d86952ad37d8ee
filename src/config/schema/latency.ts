import { z } from 'zod';
import { durationMs, hostName, nameSchema, pathText } from './units.ts';

const tableSchema = z.array(
  z.strictObject({
    network: z
      .union([z.cidrv4(), z.cidrv6()])
      .meta({ description: 'Client network: `192.0.2.0/24`. The longest match counts.' }),
    regions: z
      .record(nameSchema, durationMs({ minMs: 0, maxMs: 10_000 }))
      .meta({ description: 'Round trip to each region that was measured.' }),
  }),
);

const originSchema = z
  .string()
  .max(300)
  .regex(
    /^https?:\/\/([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?$/,
    'expected an origin in lower case, such as "https://eu.example.com" or "http://127.0.2.1:8080"',
  );

export const beaconSchema = z.strictObject({
  regions: z.record(nameSchema, originSchema).meta({
    description:
      'Where browsers reach each region, and no other: its origin, `https://eu.example.com`. Regions that are not named are not measured.',
  }),
  path: pathText
    .refine(
      (path) => path.length > 1 && !path.endsWith('/'),
      'expected a path without "/" at its end',
    )
    .default('/.meridian/latency')
    .meta({
      description:
        'Below it are the script (`/script.js`), what is measured (`/probe`) and where reports go (`/report`). Requests to these are for no route.',
    }),
  hosts: z
    .array(hostName)
    .min(1)
    .optional()
    .meta({ description: 'Hosts under which it is served. Default: all.' }),
  listeners: z
    .array(z.string())
    .min(1)
    .optional()
    .meta({ description: 'Listeners on which it is served. Default: all.' }),
  origins: z
    .array(originSchema)
    .min(1)
    .optional()
    .meta({ description: 'Sites whose pages may report. Default: any.' }),
  sample: z.number().min(0).max(1).default(0.05).meta({
    description: 'Share of page views that measure.',
  }),
  ipv4Prefix: z.int().min(16).max(32).default(24).meta({
    description: 'Bits of an IPv4 address that make a network: what is kept of it.',
  }),
  ipv6Prefix: z.int().min(24).max(64).default(48).meta({
    description: 'Bits of an IPv6 address that make a network: what is kept of it.',
  }),
  minimumReports: z.int().min(1).max(15).default(5).meta({
    description:
      'With reports from fewer addresses a network is not steered by, or of all where it has fewer.',
  }),
  window: durationMs({ minMs: 1_000, maxMs: 86_400_000 }).prefault('10m').meta({
    description: 'In so long an address counts once, and a network `reportsPerNetwork` times.',
  }),
  reportsPerNetwork: z.int().min(1).max(1_000).default(15).meta({
    description: 'How many reports of a network count in a window.',
  }),
  expiry: durationMs({ minMs: 60_000, maxMs: 30 * 86_400_000 })
    .prefault('24h')
    .meta({
      description:
        'Age at which a report is forgotten. Where nodes know different things, one of a quarter of it counts half.',
    }),
  networks: z.int().min(100).max(200_000).default(20_000).meta({
    description:
      'How many networks are held at most. For one more, that which was heard of longest ago is forgotten.',
  }),
  most: durationMs({ minMs: 10, maxMs: 60_000 }).prefault('5s').meta({
    description: 'A round trip that is longer is not believed.',
  }),
});

export type BeaconConfig = z.output<typeof beaconSchema>;

export interface LatencyConfig {
  readonly table: z.output<typeof tableSchema>;
  /** `undefined`: browsers measure nothing. */
  readonly beacon: BeaconConfig | undefined;
}

/** A list is the table alone. */
export const latencySchema = z
  .union([
    tableSchema,
    z.strictObject({
      table: tableSchema.default([]).meta({
        description: 'Round trips that the operator states. They go before what is measured.',
      }),
      beacon: beaconSchema.optional().meta({
        description:
          'Browsers of users measure round trips to the regions and report them. Default: off.',
      }),
    }),
  ])
  .transform(
    (given): LatencyConfig =>
      Array.isArray(given)
        ? { table: given, beacon: undefined }
        : { table: given.table, beacon: given.beacon },
  )
  .prefault([])
  .meta({
    description:
      'Measured round trips from client networks; used before distance. A list is the `table`.',
  });
