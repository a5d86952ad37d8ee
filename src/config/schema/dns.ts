import { z } from 'zod';

export const dnsSchema = z
  .strictObject({
    cookies: z
      .union([
        z.boolean(),
        z.strictObject({
          secret: z.string().min(1).meta({
            description:
              'File, or `secret:NAME` for a secret of the store: any text of 16 characters or more.',
          }),
        }),
      ])
      .default(true)
      .meta({
        description:
          'DNS cookies (RFC 7873, 9018), by which clients prove their addresses; they are then never limited. With `secret` every node takes the cookies of all others, which servers of one anycast address need. Without, nodes of one region do.',
      }),
    identifier: z
      .string()
      .regex(/^[\x21-\x7e]{1,64}$/, 'expected 1 to 64 visible characters, such as "ns1-{region}"')
      .optional()
      .meta({
        description:
          'What a name server tells of itself to who asks by NSID (RFC 5001) or for `id.server`; `{region}` is replaced by the name of the region. Default: nothing.',
      }),
  })
  .prefault({})
  .meta({ description: 'How the name servers serve.' });

export type DnsConfig = z.output<typeof dnsSchema>;
