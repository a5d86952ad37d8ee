import { z } from 'zod';
import { byteSize, durationMs } from './units.ts';

/** Content of one request; the same for all routes and for one. */
export const bodyLimitSchema = byteSize({ min: 0, max: 2 ** 40 })
  .optional()
  .meta({
    description:
      'Largest content of a request; beyond it 413. Default: any, since bodies are passed on as they come.',
  });

export const limitsSchema = z
  .strictObject({
    requestLine: byteSize({ min: 64, max: 65_536 })
      .prefault('8KiB')
      .meta({ description: 'Method, target and version; beyond it 414.' }),
    fieldCount: z.int().min(1).max(1_000).default(100).meta({
      description: 'Field lines of a head or of trailers; beyond it 431.',
    }),
    fieldBytes: byteSize({ min: 256, max: 1_048_576 })
      .prefault('32KiB')
      .meta({ description: 'Header fields of a request, together; beyond it 431.' }),
    body: bodyLimitSchema,
    headTimeout: durationMs({ minMs: 50, maxMs: 3_600_000 })
      .prefault('10s')
      .meta({ description: 'From the first byte of a head to its last; beyond it 408.' }),
    bodyTimeout: durationMs({ minMs: 50, maxMs: 3_600_000 }).prefault('30s').meta({
      description:
        'In which a request body must bring at least 4 KiB until the response begins; beyond it 408.',
    }),
    writeTimeout: durationMs({ minMs: 50, maxMs: 3_600_000 })
      .prefault('60s')
      .meta({ description: 'A client that takes none of its response is given up after this.' }),
    idleTimeout: durationMs({ minMs: 50, maxMs: 86_400_000 })
      .prefault('75s')
      .meta({ description: 'A kept-alive connection without a request is closed after this.' }),
    streams: z.int().min(1).max(10_000).default(100).meta({
      description: 'Requests at a time on one HTTP/2 connection.',
    }),
  })
  .prefault({})
  .meta({ description: 'What clients may take: sizes and times.' });

export type LimitsConfig = z.output<typeof limitsSchema>;
