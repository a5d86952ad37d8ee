import { z } from 'zod';
import { pemPlace, pemSource } from './pem.ts';
import { serverName } from './server-name.ts';
import { durationMs, fieldName, fieldValue } from './units.ts';

const timing = {
  interval: durationMs({ minMs: 200, maxMs: 3_600_000 })
    .prefault('1s')
    .meta({ description: 'Time from the start of one probe to the next; jittered by 10 %.' }),
  connectTimeout: durationMs({ minMs: 10, maxMs: 60_000 })
    .prefault('500ms')
    .meta({ description: 'Limit for the connection to stand.' }),
  firstByteTimeout: durationMs({ minMs: 10, maxMs: 60_000 }).optional().meta({
    description:
      'Limit from the connection to the first byte of an answer, with the TLS handshake where there is one. Default: that of the whole probe.',
  }),
  timeout: durationMs({ minMs: 10, maxMs: 60_000 })
    .prefault('1s')
    .meta({ description: 'Limit for the whole probe.' }),
  failures: z.int().min(1).max(100).default(2).meta({
    description: 'Failures that take the target down, even when interleaved with successes.',
  }),
  resets: z.int().min(1).max(100).default(2).meta({
    description: 'Successes in a row that forget earlier failures of a target that is up.',
  }),
  recoveries: z.int().min(1).max(100).default(3).meta({
    description: 'Successes in a row that bring the target up.',
  }),
};

/** How many vantages it takes. */
export const quorumField = z
  .strictObject({
    up: z.number().gt(0).max(0.5).meta({
      description:
        'Healthy while more than this share of the fresh vantages say up, unhealthy otherwise: 0.18 is the rule of Route 53.',
    }),
  })
  .optional()
  .meta({ description: 'Default: more than half decide, and a tie changes nothing.' });

/** Of gateways; what is asked for is fixed. */
export const gatewayCheckSchema = z.strictObject({ ...timing, quorum: quorumField });

/** What every check says that is probed. */
export const checkFields = {
  ...timing,
  disabled: z.boolean().default(false).meta({
    description: 'Nothing is probed, and what is checked counts as healthy.',
  }),
};

/** How the certificate of the target is judged. */
export const certificateFields = {
  serverName: serverName.optional().meta({
    description:
      'The name that is asked for by SNI and that the certificate must have. Default: the host, where it is a name.',
  }),
  authority: pemSource.optional().meta({
    description: `Who signs the certificate. Default: the authorities that Node trusts. ${pemPlace}`,
  }),
  verify: z.boolean().default(true).meta({
    description:
      'Whether the certificate is checked: its names, its authority and its time. Off: any will do, also one that expired.',
  }),
};

/** RFC 9110 section 7.6.1 and the framing of the request are the probe's own. */
const reservedFields = [
  'connection',
  'content-length',
  'host',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

export const requestFields = z
  .record(
    fieldName.refine((name) => !reservedFields.includes(name.toLowerCase()), {
      error: 'this field is set by the probe itself',
    }),
    fieldValue,
  )
  .default({})
  .refine((headers) => Object.keys(headers).length <= 32, 'expected at most 32 fields')
  .meta({ description: 'Further fields of the request. They are stored and shown in clear.' });

const httpFields = {
  method: z.enum(['GET', 'HEAD']).default('GET').meta({ description: 'Of the request.' }),
  path: z
    .string()
    .max(4_096)
    .regex(/^\/[!-~]*$/, 'expected a request target that starts with "/", in ASCII')
    .default('/')
    .meta({ description: 'Request target.' }),
  headers: requestFields,
  status: z
    .array(z.int().min(100).max(599))
    .min(1)
    .default([200, 204])
    .meta({ description: 'Status codes that count as success.' }),
  contains: z.string().min(1).max(255).optional().meta({
    description:
      'Text that must be in the first 5,120 bytes of the content; upper and lower case differ.',
  }),
};

const hostField = z
  .string()
  .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'expected a host, such as "api.example.com"')
  .optional()
  .meta({ description: 'Host field. Default: the address.' });

/** What is probed by each type, but for when. */
export const probeFields = {
  tcp: { type: z.literal('tcp').meta({ description: 'Succeeds when a connection stands.' }) },
  tls: {
    type: z.literal('tls').meta({ description: 'Succeeds when a TLS handshake is done.' }),
    ...certificateFields,
  },
  http: {
    type: z.literal('http').meta({
      description:
        'Succeeds when a request in clear, by HTTP/1.1, is answered as expected. A service that is spoken to over TLS is checked by `https`, one that speaks HTTP/2 only by `grpc` or `tcp`.',
    }),
    ...httpFields,
  },
  https: {
    type: z.literal('https').meta({
      description: 'Succeeds when a request over TLS, by HTTP/1.1, is answered as expected.',
    }),
    ...httpFields,
    ...certificateFields,
  },
  grpc: {
    type: z.literal('grpc').meta({
      description:
        'Succeeds when the gRPC health protocol (`grpc.health.v1.Health/Check`) answers SERVING.',
    }),
    service: z
      .string()
      .max(255)
      .regex(/^[A-Za-z0-9._/-]*$/, 'expected a name, such as "shop.Orders"')
      .default('')
      .meta({ description: 'The gRPC service that is asked for. Default: the server as a whole.' }),
    tls: z
      .strictObject(certificateFields)
      .optional()
      .meta({ description: 'Over TLS. Default: in clear, by prior knowledge of HTTP/2.' }),
  },
} as const;

const { tcp, tls, http, https, grpc } = probeFields;

/** Of the endpoints of a service. */
export const checkSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ ...tcp, ...checkFields }),
    z.strictObject({ ...tls, ...checkFields }),
    z.strictObject({ ...http, host: hostField, ...checkFields }),
    z.strictObject({ ...https, host: hostField, ...checkFields }),
    z.strictObject({ ...grpc, ...checkFields }),
  ])
  .meta({ description: 'What is probed, how often and with which thresholds.' });

export type CheckTiming = Omit<z.output<typeof gatewayCheckSchema>, 'quorum'>;
export type CheckConfig = z.output<typeof checkSchema>;
/** How the certificate of a target is judged. */
export type CertificateCheck = Pick<
  Extract<CheckConfig, { type: 'tls' }>,
  'serverName' | 'authority' | 'verify'
>;
