import { z } from 'zod';
import { tlsSchema } from './tls.ts';
import { portSchema } from './units.ts';

export const listenerSchema = z.strictObject({
  port: portSchema.optional().meta({
    description: 'Of a listener of your own. Those of `http` and `https` stand in `ports`.',
  }),
  protocol: z.enum(['http', 'https']).optional().meta({
    description: 'In clear or over TLS. Default: `https`; the listener `http` is in clear.',
  }),
  tls: tlsSchema.optional().meta({
    description:
      'In the place of the `tls` of the whole configuration, whose certificates it has where it names none.',
  }),
  http2: z.boolean().default(true).meta({
    description:
      'Whether HTTP/2 is spoken: offered over TLS (ALPN), or in clear by prior knowledge.',
  }),
  redirect: z
    .union([
      z.literal('https').transform(() => ({ port: undefined })),
      z.strictObject({
        port: portSchema.meta({
          description: 'The port in the new address, where it is not that of the listener `https`.',
        }),
      }),
    ])
    .optional()
    .meta({
      description:
        'Answers every request with 308 and the same address over TLS: `https`, or `{ port: 443 }`.',
    }),
  proxyProtocol: z
    .strictObject({
      from: z
        .array(z.union([z.cidrv4(), z.cidrv6()]))
        .min(1)
        .meta({ description: 'Networks of the proxies. Nobody else may connect.' }),
    })
    .optional()
    .meta({
      description:
        'Proxies before this listener tell the address of each client by PROXY protocol, version 2.',
    }),
});

export const listenersSchema = z.record(z.string(), listenerSchema).meta({
  description:
    'Listeners of your own by name, beside `http` and `https`; and settings of those two.',
});

export type ListenerConfig = z.output<typeof listenerSchema>;
