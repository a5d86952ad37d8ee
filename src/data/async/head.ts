import { parseTimestamp, type Timestamp } from './timestamp.ts';
import { versionOf, type Write } from './writes.ts';

/**
 * What stands in the one header of an entry, before its value:
 *
 *   1 018f3c2a9b100000@eu-west-1 put seen=018f3c2a9b000000@us-east-1,… shown displaced=…@eu-west-1
 *   │ └ the write                 │   └ what its region knew of the key  │     └ see below
 *   └ version of the format       └ or `delete`                         └ or `hidden`
 *
 * The write and what it had seen are the writer's. What follows is the region's that keeps this
 * copy, which it found in the moment of appending it: whether it became the visible one, and
 * the own write that it displaced without having seen it.
 */
export interface Head {
  readonly write: Write;
  readonly shown: boolean;
  readonly displaced: Timestamp | undefined;
}

const format = '1';
/** Of a region, as the configuration has them. */
const name = /^[a-z0-9][a-z0-9-]{0,62}$/;

export function headText({ write, shown, displaced }: Head): string {
  const seen = [...write.seen].map(([region, at]) => `${at}@${region}`).join(',');
  return [
    format,
    versionOf(write),
    write.deleted ? 'delete' : 'put',
    `seen=${seen}`,
    shown ? 'shown' : 'hidden',
    ...(displaced === undefined ? [] : [`displaced=${displaced}`]),
  ].join(' ');
}

/** @throws {Error} for what is no head, saying so. */
export function parseHead(text: string): Head {
  const [version, id, what, seen, shown, displaced, ...more] = text.split(' ');
  const write = parseVersion(id ?? '');
  const known = /^seen=(.*)$/.exec(seen ?? '')?.[1];
  const lost = displaced === undefined ? undefined : /^displaced=(.*)$/.exec(displaced)?.[1];
  const isWhole =
    version === format &&
    write !== undefined &&
    (what === 'put' || what === 'delete') &&
    known !== undefined &&
    (shown === 'shown' || shown === 'hidden') &&
    (displaced === undefined || (lost !== undefined && parseTimestamp(lost) !== undefined)) &&
    more.length === 0;
  if (!isWhole) throw new Error('an entry has a head that cannot be read');
  return {
    write: { ...write, seen: parseSeen(known), deleted: what === 'delete' },
    shown: shown === 'shown',
    displaced: lost,
  };
}

/** `undefined` for what is no version of a write. */
export function parseVersion(text: string): Pick<Write, 'at' | 'region'> | undefined {
  const at = parseTimestamp(text.slice(0, 16));
  const region = text.slice(17);
  return at !== undefined && text[16] === '@' && name.test(region) ? { at, region } : undefined;
}

function parseSeen(text: string): Map<string, Timestamp> {
  const seen = new Map<string, Timestamp>();
  for (const part of text === '' ? [] : text.split(',')) {
    const version = parseVersion(part);
    if (!version || seen.has(version.region))
      throw new Error('an entry has a head that cannot be read');
    seen.set(version.region, version.at);
  }
  return seen;
}
