import { type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import type { DnsDataOptions } from '../server/data.ts';
import type { OnNotify } from '../server/notifications.ts';
import { createDnsServer, type DnsServer } from '../server/server.ts';
import { createExchange } from './exchange.ts';

const secretOf = (text: string) => Buffer.from(text).toString('base64');
export const transferSecrets = {
  'transfer.test': secretOf('a secret of two servers'),
  'other.test': secretOf('a secret of two others'),
};

type Zones = NonNullable<ConfigInput['zones']>;

/** What a server with these zones, and two keys, answers from. */
export function zonesOptions(zones: Zones, serial = 7): DnsDataOptions {
  const { options } = createExchange();
  const config = configSchema.parse({
    regions: { 'us-east-1': { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    dns: {
      rateLimit: false,
      transferKeys: { 'transfer.test': { secret: 'file' }, 'other.test': { secret: 'file' } },
    },
    zones,
  } satisfies ConfigInput);
  return { ...options, config, topology: compileTopology(config), serial, transferSecrets };
}

/** It on a port of 127.0.0.1. */
export async function serveZones(options: DnsDataOptions, onNotify?: OnNotify): Promise<DnsServer> {
  const at = { host: '127.0.0.1', port: 0, reusePort: false };
  const metrics = new DnsMetrics();
  return createDnsServer({ ...options, ...at, metrics, ...(onNotify && { onNotify }) });
}
