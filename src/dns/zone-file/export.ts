import { atOnce } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import { compileTopology } from '../../config/topology.ts';
import { healthy } from '../../health/table.ts';
import { choose } from '../../steering/choose.ts';
import { createSteeringContext } from '../../steering/context.ts';
import { emptyLocator } from '../../steering/geo/locator.ts';
import type { RegionStates } from '../../steering/record-set.ts';
import { DnsError } from '../errors.ts';
import { parseName } from '../wire/name.ts';
import { renderSets } from '../zone/render.ts';
import { compileUnsignedZones } from '../zone/unsigned.ts';
import { writeZoneFile } from './writer.ts';

/** Everything serves: what a configuration says by itself. */
const allHealthy: RegionStates = {
  gateway: () => healthy,
  service: () => healthy,
  draining: () => false,
  address: () => healthy,
  addressDraining: () => false,
  check: () => healthy,
  controlOn: () => true,
};

/**
 * A zone of a configuration as a master file. Steered record sets are what a client whose
 * location nobody knows is answered by the first region while everything is healthy; chance
 * falls on its first choice. Keys and signatures are left out: who serves the file signs it.
 *
 * @throws DnsError `bad_name`, `bad_zone`; `bad_lookup` where there is no such zone
 */
export function exportZone(config: Config, name: string, serial: number): string {
  const topology = compileTopology(config);
  const apex = parseName(name);
  const zones = atOnce(compileUnsignedZones(config, topology, serial));
  const zone = zones.find(apex.key);
  if (zone?.apex.key !== apex.key) {
    const known = Array.from(zones, ({ apex }) => apex.toString());
    const others = known.length > 0 ? `, only ${known.slice(0, 10).join(', ')}` : '';
    throw new DnsError('bad_lookup', `there is no zone ${apex}${others}`);
  }
  if (zone.unavailable !== 0) {
    const message = `the zone ${apex} comes from its primaries: a configuration has nothing of it`;
    throw new DnsError('bad_lookup', message);
  }
  const region = topology.regions.find(({ serves }) => serves)?.name ?? '';
  const locator = emptyLocator;
  const context = createSteeringContext({ config, topology, states: allHealthy, region, locator });
  const sets = renderSets(zone, (set) => choose(set, undefined, context, 0));
  return writeZoneFile(zone.apex, sets);
}
