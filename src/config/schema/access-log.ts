import { z } from 'zod';

export const accessLogSchema = z
  .union([
    z.boolean(),
    z.strictObject({
      sample: z.number().min(0).max(1).meta({
        description:
          'Share of the requests to keep, chosen at random: all regions keep the same ones.',
      }),
      errors: z.enum(['always', 'sampled']).default('always').meta({
        description: 'Whether answers with 5xx and problems of the gateway are kept all the same.',
      }),
    }),
  ])
  .default(true)
  .meta({ description: 'Whether gateways write a line of JSON for each request.' });

export type AccessLogConfig = z.output<typeof accessLogSchema>;
