import type { Config } from '../../config/schema/config.ts';
import type { Topology } from '../../config/topology.ts';
import type { SteeredSet } from '../../steering/record-set.ts';
import { type AppliedShift, weightsInForce } from '../../steering/shifts/applied.ts';
import type { ShiftedSteering } from '../../steering/shifts/drain.ts';
import { parseName } from '../wire/name.ts';
import { typeCode } from '../wire/records/registry.ts';
import { setOfType, type ZoneSet } from './zone.ts';

/**
 * What shifts of traffic change about the record sets of compiled zones. The zones stay as they
 * are: a record set with other weights stands beside the one that was compiled, and goes before
 * it wherever that is asked, in trees and behind an ALIAS too.
 *
 * @returns `undefined`: nothing.
 */
export function shiftedSteering(
  zones: ZoneSet,
  config: Config,
  topology: Topology,
  applied: readonly AppliedShift[],
): ShiftedSteering | undefined {
  const { regions, records } = weightsInForce(config, applied);
  if (regions.size === 0 && records.length === 0) return undefined;
  const sets = new Map<SteeredSet, SteeredSet>();
  for (const { name, type, weights } of records) {
    const key = parseName(name).key;
    const node = zones.find(key)?.node(key);
    const set = node && setOfType(node, typeCode(type) ?? 0)?.steering?.set;
    if (!set) continue;
    const answers = set.answers.map((answer, at) => ({ ...answer, weight: weights[at]! }));
    sets.set(set, { ...set, answers });
  }
  const kept = topology.regions.map(({ name }) => regions.get(name) ?? 1);
  return { kept: regions.size > 0 ? kept : undefined, sets };
}
