import { z } from 'zod';
import { zoneNameSchema } from './balancing.ts';
import { nameSchema } from './units.ts';

export const locationSchema = z
  .strictObject({
    latitude: z.number().min(-90).max(90).meta({ description: 'Degrees north.' }),
    longitude: z.number().min(-180).max(180).meta({ description: 'Degrees east.' }),
  })
  .meta({ description: 'Where the region stands, for steering by distance.' });

const bindSchema = z
  .ipv4()
  .optional()
  .meta({ description: 'The local address to listen on, where it differs from `address`.' });

const zoneSchema = zoneNameSchema.meta({
  description:
    'Where in the region it stands: requests go to endpoints of the same `zone` first. Of a region: for its nodes that name none.',
});

const nodeSchema = z.strictObject({
  address: z.ipv4().meta({
    description: 'Where other nodes, of this region and of others, reach the node.',
  }),
  bind: bindSchema,
  zone: zoneSchema,
});

export const regionSchema = z.strictObject({
  address: z.ipv4().meta({
    description:
      'The address that clients and other regions reach, and that DNS answers with. With `nodes`, the address of one of them, or of a load balancer before them.',
  }),
  bind: bindSchema,
  nodes: z.record(nameSchema, nodeSchema).optional().meta({
    description:
      'The nodes of the region by name, where it has several. Where `address` is that of a node, DNS answers with the addresses of all healthy nodes; else with `address` alone.',
  }),
  location: locationSchema,
  zone: zoneSchema,
  kind: z.enum(['region', 'edge', 'witness']).default('region').meta({
    description:
      '`region` serves traffic; `edge` takes requests at its addresses and relays each to the best region, with no endpoints of its own; `witness` serves nothing. All of them probe and vote.',
  }),
});

export const regionsSchema = z.record(nameSchema, regionSchema).meta({
  description: 'The regions by name, such as `eu-west-1`. Each is a vantage of health.',
});

export type Location = z.output<typeof locationSchema>;
export type RegionConfig = z.output<typeof regionSchema>;
export type NodeConfig = z.output<typeof nodeSchema>;
