import type { WrittenSet } from '../zone-file/writer.ts';
import { mayHint } from './hints.ts';
import { type FindOutside, resolve, type Steer } from './resolve.ts';
import { type Zone, ZoneSet } from './zone.ts';

/**
 * Every record set of a zone as plain data, for those who take the zone as it stands: a zone
 * file, a transfer. A steered one is what `steer` answers now, and of a name outside of the
 * zones there is what `findOutside` knows; one without an answer is left out.
 */
export function* renderSets(
  zone: Zone,
  steer: Steer,
  findOutside?: FindOutside,
): Generator<WrittenSet, void> {
  const alone = new ZoneSet([zone]);
  for (const { name: owner, sets: all } of zone.nodes()) {
    for (const { type, ttlSeconds, records: plain, steering, outside } of all) {
      const isFilled = mayHint(type) && plain.some(({ hints }) => hints);
      const isChosen = steering !== undefined || outside !== undefined || isFilled;
      const chosen = isChosen
        ? resolve(alone, owner.key, type, steer, findOutside).steps[0]
        : undefined;
      const ttl = chosen?.set.ttlSeconds ?? ttlSeconds;
      const records = isChosen ? (chosen?.records ?? []) : plain;
      if (records.length > 0) yield { owner, type, ttlSeconds: ttl, records };
    }
  }
}
