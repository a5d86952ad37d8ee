import { z } from 'zod';
import { nameSchema, portSchema } from './units.ts';

/** What `meridian up` needs beyond the configuration of the regions themselves. */
export const stackSchema = z
  .strictObject({
    services: z
      .record(
        nameSchema,
        z.strictObject({
          command: z.array(z.string().min(1)).min(1).meta({
            description:
              'Program and arguments, run in the folder of the configuration, once per region, with HOST, PORT, REGION and SERVICE in its environment. `node` is the Node that runs Meridian.',
          }),
          env: z
            .record(z.string(), z.string())
            .default({})
            .meta({ description: 'More variables for its environment.' }),
        }),
      )
      .default({})
      .meta({ description: 'Processes that a stack starts for the services.' }),
    storePorts: z
      .strictObject({
        leaf: portSchema.default(4222).meta({ description: "Clients of the region's leaf." }),
        hub: portSchema.default(4223).meta({ description: 'Clients of the hub voter.' }),
        cluster: portSchema.default(6222).meta({ description: 'Routes between hub voters.' }),
        leafnodes: portSchema.default(7422).meta({ description: 'Leaf connections to the hub.' }),
      })
      .prefault({})
      .meta({ description: 'Ports of the store servers on the address of each region.' }),
  })
  .meta({ description: 'For `meridian up` only: several regions on one machine.' });

export type StackConfig = z.output<typeof stackSchema>;
