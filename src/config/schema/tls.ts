import { z } from 'zod';
import { pemPlace, pemSource } from './pem.ts';
import { serverName } from './server-name.ts';

const pair = {
  certificate: pemSource.meta({ description: `Certificate with its chain. ${pemPlace}` }),
  key: pemSource.meta({ description: `Its private key. ${pemPlace}` }),
};

export const tlsSchema = z.strictObject({
  certificate: pair.certificate.optional(),
  key: pair.key.optional(),
  certificates: z.array(z.strictObject(pair)).min(1).optional().meta({
    description:
      'Further certificates. By the server name that a client asks for (SNI) it gets the one that has that name, exact before `*.example.com`; several may have the same names with keys of different kinds. Without `certificate` the first is the default.',
  }),
  policy: z.enum(['modern', 'intermediate']).default('intermediate').meta({
    description:
      'Versions and ciphers by the recommendations of Mozilla. `modern`: TLS 1.3 only. `intermediate`: TLS 1.2 and 1.3.',
  }),
  clientCertificates: z
    .strictObject({
      authority: pemSource.meta({
        description: `Who signs the certificates of clients. ${pemPlace}`,
      }),
      mode: z.enum(['require', 'request']).default('require').meta({
        description:
          '`require`: a client without a valid one is not connected. `request`: one that has none is, as nobody.',
      }),
    })
    .optional()
    .meta({ description: 'Mutual TLS: clients prove who they are.' }),
  unknownNames: z.enum(['serve', 'refuse']).default('serve').meta({
    description:
      'What a client gets that asks for no name, or for one that no certificate has: the default certificate, or no connection.',
  }),
});

export const upstreamTlsSchema = z
  .strictObject({
    serverName: serverName.optional().meta({
      description:
        'The name that the service has to prove, and is asked for by SNI. Default: the host of the endpoint.',
    }),
    authority: pemSource.optional().meta({
      description: `Who signs its certificates. Default: the authorities that Node trusts. ${pemPlace}`,
    }),
    certificate: pemSource.optional().meta({
      description: `What the gateway proves to the service who it is with. ${pemPlace}`,
    }),
    key: pair.key.optional(),
    verify: z.boolean().default(true).meta({
      description:
        'Whether the certificate of the service is checked at all. Without, anyone on the way can read and change everything.',
    }),
  })
  .meta({ description: 'TLS towards the endpoints.' });

export type TlsConfig = z.output<typeof tlsSchema>;
export type UpstreamTlsConfig = z.output<typeof upstreamTlsSchema>;
