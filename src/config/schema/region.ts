import { z } from 'zod';
import { nameSchema } from './units.ts';

export const locationSchema = z
  .strictObject({
    latitude: z.number().min(-90).max(90).meta({ description: 'Degrees north.' }),
    longitude: z.number().min(-180).max(180).meta({ description: 'Degrees east.' }),
  })
  .meta({ description: 'Where the region stands, for steering by distance.' });

export const regionSchema = z.strictObject({
  address: z.ipv4().meta({
    description: 'The address that clients and other regions reach, and that DNS answers with.',
  }),
  bind: z
    .ipv4()
    .optional()
    .meta({ description: 'The local address to listen on, where it differs from `address`.' }),
  location: locationSchema,
  kind: z.enum(['region', 'witness']).default('region').meta({
    description: '`region` serves traffic; `witness` probes and votes but serves nothing.',
  }),
});

export const regionsSchema = z.record(nameSchema, regionSchema).meta({
  description: 'The regions by name, such as `eu-west-1`. Each is a vantage of health.',
});

export type Location = z.output<typeof locationSchema>;
export type RegionConfig = z.output<typeof regionSchema>;
