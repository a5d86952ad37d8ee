import type { WrittenSet } from '../zone-file/writer.ts';
import { mayHint } from './hints.ts';
import { resolve, type Steer } from './resolve.ts';
import { type Zone, ZoneSet } from './zone.ts';

/**
 * Every record set of a zone as plain data, for those who take the zone as it stands: a zone
 * file, a transfer. A steered one is what `steer` answers now; one without an answer is
 * left out.
 */
export function* renderSets(zone: Zone, steer: Steer): Generator<WrittenSet, void> {
  const alone = new ZoneSet([zone]);
  for (const { name: owner, sets: all } of zone.nodes()) {
    for (const { type, ttlSeconds, records: plain, steering } of all) {
      const isFilled = mayHint(type) && plain.some(({ hints }) => hints);
      const isChosen = steering !== undefined || isFilled;
      const chosen = isChosen ? resolve(alone, owner.key, type, steer).steps[0] : undefined;
      const records = isChosen ? (chosen?.records ?? []) : plain;
      if (records.length > 0) yield { owner, type, ttlSeconds, records };
    }
  }
}
