import { z } from 'zod';
import { durationMs } from './units.ts';

const timing = {
  interval: durationMs({ minMs: 200, maxMs: 3_600_000 })
    .prefault('1s')
    .meta({ description: 'Time from the start of one probe to the next; jittered by 10 %.' }),
  connectTimeout: durationMs({ minMs: 10, maxMs: 60_000 })
    .prefault('500ms')
    .meta({ description: 'Limit for the connection to stand.' }),
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

export const timingSchema = z.strictObject(timing);

export const checkSchema = z
  .discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('tcp').meta({ description: 'Succeeds when a connection stands.' }),
      ...timing,
    }),
    z.strictObject({
      type: z.literal('http').meta({ description: 'Succeeds when a GET is answered as expected.' }),
      path: z
        .string()
        .regex(/^\/[!-~]*$/, 'expected a request target that starts with "/", in ASCII')
        .default('/')
        .meta({ description: 'Request target.' }),
      host: z
        .string()
        .regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'expected a host, such as "api.example.com"')
        .optional()
        .meta({ description: 'Host field. Default: the address.' }),
      status: z
        .array(z.int().min(100).max(599))
        .min(1)
        .default([200, 204])
        .meta({ description: 'Status codes that count as success.' }),
      ...timing,
    }),
  ])
  .meta({ description: 'What is probed, how often and with which thresholds.' });

export type CheckTiming = z.output<typeof timingSchema>;
export type CheckConfig = z.output<typeof checkSchema>;
