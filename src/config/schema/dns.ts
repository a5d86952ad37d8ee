import { isIPv4, isIPv6 } from 'node:net';
import { z } from 'zod';
import { pemSource } from './pem.ts';
import { durationMs } from './units.ts';

/** A domain name, by which both sides call a key. */
export const transferKeyName = z
  .string()
  .max(200)
  .regex(
    /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/,
    'expected a domain name in lower case, such as "transfer.example"',
  );

/** An address, with a port or without. */
const resolverAddress = z.string().refine(
  (text) => {
    if (isIPv6(text)) return true;
    const [, bracketed, plain, port = '53'] =
      /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
    const isPort = Number(port) > 0 && Number(port) <= 65_535;
    return isPort && (isIPv6(bracketed ?? '') || isIPv4(plain ?? ''));
  },
  { error: 'expected an address such as "192.0.2.53", "192.0.2.53:5353" or "[2001:db8::53]:5353"' },
);

const rateLimitSchema = z.strictObject({
  responses: z.int().min(1).max(10_000).default(200).meta({
    description:
      'Per second to one network and of one kind: answers by name, what does not exist by zone, errors together.',
  }),
  window: durationMs({ minMs: 1_000, maxMs: 60_000 }).prefault('15s').meta({
    description: 'How long a flood must have stopped until its network is answered again.',
  }),
  slip: z.int().min(0).max(10).default(2).meta({
    description:
      'Of so many responses that are too many one is sent, empty, so that honest clients come again over TCP or with a cookie. 0: none.',
  }),
  ipv4Prefix: z.int().min(8).max(32).default(24).meta({
    description: 'Bits of an IPv4 address that make a network.',
  }),
  ipv6Prefix: z.int().min(16).max(64).default(56).meta({
    description: 'Bits of an IPv6 address that make a network.',
  }),
  exempt: z
    .array(z.union([z.cidrv4(), z.cidrv6()]))
    .default(['127.0.0.0/8', '::1/128'])
    .meta({ description: 'Networks that are never limited.' }),
});

export const dnsSchema = z
  .strictObject({
    cookies: z
      .union([
        z.boolean(),
        z.strictObject({
          secret: pemSource.meta({
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
    rateLimit: z
      .union([rateLimitSchema, z.literal(false)])
      .prefault({})
      .meta({
        description:
          'How many responses over UDP a network gets, since its address may be forged. Never limited are TCP, TLS and who has a valid cookie. `false`: no limit.',
      }),
    tcp: z
      .strictObject({
        connections: z.int().min(1).max(100_000).default(1_000).meta({
          description:
            'Open at once, of each thread; as many again over TLS. For one more, that which was idle for longest is closed.',
        }),
        perSource: z.int().min(1).max(100_000).default(100).meta({
          description: 'Of them from one address; of IPv6, from one /64.',
        }),
        idle: durationMs({ minMs: 1_000, maxMs: 3_600_000 }).prefault('37s').meta({
          description:
            'A connection without a whole query is closed after this; when more than half are in use, after 10 s.',
        }),
      })
      .prefault({})
      .meta({ description: 'Connections to the name server by TCP, and over TLS.' }),
    transferKeys: z
      .record(
        transferKeyName,
        z.strictObject({
          algorithm: z
            .enum(['hmac-sha256', 'hmac-sha384', 'hmac-sha512'])
            .default('hmac-sha256')
            .meta({ description: 'How messages are signed; both sides must say the same.' }),
          secret: pemSource.meta({
            description:
              'File, or `secret:NAME`: 16 octets or more in base64, as `tsig-keygen` and `keymgr -t` make them.',
          }),
        }),
      )
      .default({})
      .meta({
        description:
          'Keys that zone transfers are signed with (TSIG, RFC 8945), by the names that both sides know them by.',
      }),
    resolver: z
      .strictObject({
        servers: z.array(resolverAddress).min(1).max(8).optional().meta({
          description:
            'Addresses of resolvers, with a port where it is not 53: `10.0.0.2`, `10.0.0.2:5353`, `[2001:db8::1]:5353`. The next one is asked when one does not answer. Default: those of the machine.',
        }),
        minimumTtl: durationMs({ minMs: 1_000, maxMs: 3_600_000 }).prefault('5s').meta({
          description: 'For how long an answer is taken at least, whatever its TTL.',
        }),
        maximumTtl: durationMs({ minMs: 1_000, maxMs: 604_800_000 }).prefault('1h').meta({
          description: 'And at most.',
        }),
        stale: durationMs({ minMs: 0, maxMs: 604_800_000 }).prefault('72h').meta({
          description:
            'For how long addresses go on to be given, with a TTL of 30 s, when no resolver answers any more (RFC 8767). Then, and before the first answer, it is SERVFAIL.',
        }),
      })
      .prefault({})
      .refine(({ minimumTtl, maximumTtl }) => minimumTtl <= maximumTtl, {
        error: '`minimumTtl` is above `maximumTtl`',
        path: ['minimumTtl'],
      })
      .meta({
        description:
          'Who is asked for the addresses of names outside of the zones, which an `ALIAS` has as its target.',
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
  .meta({ description: 'How the name servers serve, whatever the zone.' });

export type DnsConfig = z.output<typeof dnsSchema>;
