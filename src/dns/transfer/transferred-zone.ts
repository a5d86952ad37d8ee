import type { Steps } from '../../base/steps.ts';
import { DnsError } from '../errors.ts';
import type { DomainName, NameKey } from '../wire/name.ts';
import { parentKey } from '../wire/name.ts';
import { ns } from '../wire/records/ns.ts';
import { soa } from '../wire/records/soa.ts';
import { type GatheredZone, gatherZone } from '../zone/gather.ts';
import type { ResourceRecord } from '../zone/record.ts';
import { imageRecords, type ZoneImage } from './zone-image.ts';

/** With those that only stand between: 200 MB for each thread that serves them. */
const mostNames = 500_000;
const namesPerStep = 256;

/**
 * The records of a transferred zone, put together; nothing of it is believed.
 *
 * @throws DnsError `transfer_failed` that names what cannot be served
 */
export function* readTransferredZone(
  apex: DomainName,
  image: Pick<ZoneImage, 'bytes'>,
): Steps<GatheredZone> {
  const refuse = (message: string): never => {
    throw new DnsError('transfer_failed', `the zone ${apex} cannot be served: ${message}`);
  };
  let zone: GatheredZone;
  try {
    zone = yield* gatherZone(apex, imageRecords(image), (severity, record, message) => {
      if (severity === 'error') refuse(wordsOf(record, message));
    });
  } catch (cause) {
    if (!(cause instanceof DnsError) || cause.code !== 'bad_message') throw cause;
    return refuse(cause.message);
  }
  const atApex = zone.nodes.get(apex.key) ?? [];
  if (!atApex.some(({ type }) => type === soa.code)) refuse('it has no SOA');
  if (!atApex.some(({ type }) => type === ns.code)) refuse('it has no NS records at its apex');
  yield* checkNames(zone, refuse);
  return zone;
}

function wordsOf({ owner }: ResourceRecord, message: string): string {
  return message.includes(owner.toString()) ? message : `${message} (${owner})`;
}

/** Each label of a name makes a node. */
function* checkNames(
  { apex, nodes }: GatheredZone,
  refuse: (message: string) => never,
): Steps<void> {
  const seen = new Set<NameKey>([apex.key]);
  let looked = 0;
  for (const key of nodes.keys()) {
    if (++looked % namesPerStep === 0) yield;
    for (let name = key; !seen.has(name); name = parentKey(name)) {
      seen.add(name);
      if (seen.size > mostNames) refuse(`it has more than ${mostNames} names`);
    }
  }
}
