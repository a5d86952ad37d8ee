import { DomainName, maxNameBytes, type NameKey } from '../wire/name.ts';
import { cname } from '../wire/records/cname.ts';
import { dname } from '../wire/records/dname.ts';
import { rdata } from '../wire/records/record-type.ts';
import { type RecordSet, setOfType, type ZoneNode } from './zone.ts';

/** What a name below a DNAME gets (RFC 6672 2.2, 3.1). */
export interface Redirection {
  /** The DNAME. */
  readonly set: RecordSet;
  /** Made for the name that was asked for, and never signed: who validates makes it again. */
  readonly alias: { readonly set: RecordSet; readonly target: DomainName } | undefined;
}

/**
 * Replaces the end of a name below `node` by what the DNAME there has:
 *
 *   a.b │ old.test      DNAME old.test → new.example
 *   a.b │ new.example   too long: no alias, and YXDOMAIN
 */
export function redirect(key: NameKey, node: ZoneNode): Redirection {
  const set = setOfType(node, dname.code)!;
  const below = Buffer.from(key.slice(0, key.length - node.name.key.length), 'latin1');
  const wire = Buffer.concat([below, set.records[0]!.tail]);
  if (wire.length > maxNameBytes) return { set, alias: undefined };
  const target = new DomainName(wire);
  const records = [rdata({ names: [target] })];
  const { ttlSeconds } = set;
  return {
    set,
    alias: { set: { type: cname.code, ttlSeconds, records, steering: undefined }, target },
  };
}
