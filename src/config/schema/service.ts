import { z } from 'zod';
import { balancingSchema, spillOverSchema, zoneNameSchema } from './balancing.ts';
import { checkSchema } from './check.ts';
import { exclusiveReference } from './exclusive.ts';
import {
  concurrencySchema,
  ejectionSchema,
  retriesSchema,
  totalTimeoutSchema,
} from './resilience.ts';
import { upstreamTlsSchema } from './tls.ts';
import { durationMs, nameSchema } from './units.ts';

const addressText = z
  .string()
  .regex(/^[A-Za-z0-9.-]+:\d{1,5}$/, 'expected "host:port"')
  .refine((text) => {
    const port = Number(text.slice(text.lastIndexOf(':') + 1));
    return port >= 1 && port <= 65_535;
  }, 'expected a port from 1 to 65535');

const weightedEndpoint = z.strictObject({
  address: addressText.meta({ description: '`host:port`.' }),
  weight: z.int().min(0).max(65_535).default(1).meta({ description: 'Share of the requests.' }),
  zone: zoneNameSchema.meta({
    description: 'Where in the region it stands. Gateways of the same zone prefer it.',
  }),
});

/** `"10.0.0.5:8080"`, or with a weight or zone. Both come out the same. */
export const endpointSchema = z.union([
  addressText.transform((address): z.output<typeof weightedEndpoint> => ({ address, weight: 1 })),
  weightedEndpoint,
]);

export const residencySchema = z.array(nameSchema).min(1).meta({
  description:
    'The only regions in which requests and data may be handled. Never traded for availability.',
});

export const serviceSchema = z.strictObject({
  endpoints: z.record(nameSchema, z.array(endpointSchema).min(1)).meta({
    description:
      'The addresses of the service in each region: `host:port`, or with weight and zone.',
  }),
  check: checkSchema
    .prefault({ type: 'tcp' })
    .meta({ description: 'How its endpoints are probed.' }),
  probeFrom: z.enum(['region', 'everywhere']).default('region').meta({
    description:
      'Who decides the state: the nodes of the region (private endpoints), or every vantage by quorum.',
  }),
  minimumHealthyShare: z.number().gt(0).max(1).default(0.5).meta({
    description: 'Share of endpoint weight that must be healthy for the region to be healthy.',
  }),
  residency: residencySchema.optional(),
  exclusive: exclusiveReference.meta({
    description: 'Of `exclusive`: requests go to its endpoints in the active region only.',
  }),
  protocol: z.enum(['http1', 'http2']).default('http1').meta({
    description:
      'What its endpoints are spoken to in: HTTP/1.1, or HTTP/2 (with `tls` agreed on by ALPN, else by prior knowledge), which gRPC needs. Checks of type `http` speak HTTP/1.1.',
  }),
  tls: upstreamTlsSchema.optional(),
  balancing: balancingSchema.prefault({ type: 'roundRobin' }),
  spillOver: spillOverSchema.prefault({}),
  timeouts: z
    .strictObject({
      connect: durationMs({ minMs: 10, maxMs: 60_000 })
        .prefault('500ms')
        .meta({ description: 'Until the connection stands.' }),
      firstByte: durationMs({ minMs: 10, maxMs: 3_600_000 })
        .prefault('15s')
        .meta({ description: 'From the end of the request to the head of the response.' }),
      idle: durationMs({ minMs: 100, maxMs: 86_400_000 })
        .prefault('5m')
        .meta({ description: 'Without a byte in either direction.' }),
      total: totalTimeoutSchema,
    })
    .prefault({})
    .meta({
      description:
        'Limits towards an endpoint. All but `total` are counted from the last progress.',
    }),
  ejection: ejectionSchema,
  retries: retriesSchema,
  concurrency: concurrencySchema,
});

export type EndpointConfig = z.output<typeof endpointSchema>;
export type ServiceConfig = z.output<typeof serviceSchema>;
