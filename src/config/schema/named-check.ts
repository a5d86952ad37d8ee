import { isIPv6 } from 'node:net';
import { z } from 'zod';
import {
  certificateFields,
  checkFields,
  probeFields,
  quorumField,
  requestFields,
} from './check.ts';
import { nameSchema, portSchema } from './units.ts';

const place = z
  .string()
  .max(253)
  .refine(
    (text) => /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(text) || isIPv6(text),
    'expected a host or an address, such as "api.example.com" or "192.0.2.1"',
  );

const port = portSchema.meta({ description: 'Where it listens.' });

/** Who decides the state of a check by name. */
const deciders = {
  vantages: z.array(nameSchema).min(1).optional().meta({
    description: 'The regions and witnesses that probe and vote. Default: all.',
  }),
  quorum: quorumField,
};

const probed = {
  host: place.meta({
    description: 'What is probed: its name or address. HTTP has it in the Host field.',
  }),
  address: place.optional().meta({
    description: 'Where it is probed, in the place of where `host` leads.',
  }),
  ...checkFields,
  ...deciders,
};

const { disabled } = checkFields;
const { authority, verify } = certificateFields;
const { tcp, tls, http, https, grpc } = probeFields;

const metricSchema = z.strictObject({
  type: z.literal('metric').meta({
    description:
      'Succeeds while a value is as it has to be. A value that is not there is no word of the vantage, and where nobody has one the state is unknown.',
  }),
  url: z
    .url({ protocol: /^https?$/, error: 'expected a URL, such as "http://prometheus:9090"' })
    .refine((text) => !/[?#@]/.test(text), 'expected a URL without user, query and fragment')
    .optional()
    .meta({ description: 'The Prometheus HTTP API, without `/api/v1/query`.' }),
  query: z
    .string()
    .min(1)
    .max(2_048)
    .optional()
    .meta({ description: 'An instant query in PromQL that gives one value.' }),
  counter: z.enum(['requests', 'failures', 'failureShare']).optional().meta({
    description:
      'In the place of `url` and `query`: what the gateway of each node that probes has seen since its last probe. Requests per second, answers with status 5xx per second, or their share of all answers, 0 to 1.',
  }),
  above: z.number().optional().meta({ description: 'Healthy while the value is above this.' }),
  below: z.number().optional().meta({ description: 'Healthy while the value is below this.' }),
  headers: requestFields,
  authority,
  verify,
  ...checkFields,
  ...deciders,
});

const calculatedSchema = z.strictObject({
  type: z.literal('calculated').meta({
    description: 'Healthy while enough other checks are. Computed at each node, not probed.',
  }),
  of: z.array(nameSchema).min(1).max(256).meta({ description: 'Names of other checks.' }),
  atLeast: z.int().min(1).meta({ description: 'How many of them must be healthy.' }),
  disabled,
});

const invertedSchema = z.strictObject({
  type: z.literal('inverted').meta({
    description: 'Healthy while another check is unhealthy, and the other way round.',
  }),
  of: nameSchema.meta({ description: 'Name of the other check.' }),
  disabled,
});

export const namedCheckSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ ...tcp, ...probed, port }),
    z.strictObject({ ...tls, ...probed, port: port.default(443) }),
    z.strictObject({ ...http, ...probed, port: port.default(80) }),
    z.strictObject({ ...https, ...probed, port: port.default(443) }),
    z.strictObject({ ...grpc, ...probed, port }),
    metricSchema,
    calculatedSchema,
    invertedSchema,
  ])
  .meta({ description: 'A check that has a state of its own, which answers of DNS may refer to.' });

export const namedChecksSchema = z.record(nameSchema, namedCheckSchema).default({}).meta({
  description:
    'Checks by name, of what is no service and no gateway; answers of record sets refer to them.',
});

export type NamedCheckConfig = z.output<typeof namedCheckSchema>;
export type MetricCheckConfig = z.output<typeof metricSchema>;
/** A check that nodes probe, rather than compute from others. */
export type ProbedCheckConfig = Exclude<NamedCheckConfig, { type: 'calculated' | 'inverted' }>;
