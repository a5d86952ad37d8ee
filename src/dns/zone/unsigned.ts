import type { Steps } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import type { Topology } from '../../config/topology.ts';
import { compileZonesInSteps } from './compile.ts';
import type { ZoneSet } from './zone.ts';

/** The zones of a configuration without signatures, so that no key is needed. Throws `bad_zone`. */
export function compileUnsignedZones(
  config: Config,
  topology: Topology,
  serial: number,
): Steps<ZoneSet> {
  const zones = Object.entries(config.zones).map(([name, zone]) => {
    const { dnssec: _, ...unsigned } = zone;
    return [name, unsigned] as const;
  });
  return compileZonesInSteps({ ...config, zones: Object.fromEntries(zones) }, topology, serial);
}
