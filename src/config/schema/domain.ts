import { z } from 'zod';
import { hostPattern, nameSchema, pathText } from './units.ts';

const mappingSchema = z.strictObject({
  basePath: pathText.default('/').meta({
    description: 'Left out before routing and forwarding. The longest that fits counts.',
  }),
  api: nameSchema.meta({ description: 'Routes with this `api` are served there.' }),
});

export const domainSchema = z.strictObject({
  mappings: z.array(mappingSchema).min(1).meta({ description: 'What is served where.' }),
});

export const domainsSchema = z.record(hostPattern, domainSchema).optional().meta({
  description: 'Custom domains: hosts, exact or `*.example.com`, with APIs under base paths.',
});

export type DomainConfig = z.output<typeof domainSchema>;
