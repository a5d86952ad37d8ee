import type { SteeredSet } from '../../steering/record-set.ts';
import type { Signer } from '../dnssec/signer.ts';
import { type DomainName, labelCount, lastLabels, type NameKey, parentKey } from '../wire/name.ts';
import { dname } from '../wire/records/dname.ts';
import { ns } from '../wire/records/ns.ts';
import type { Rdata } from '../wire/records/record-type.ts';

/** The records of one name and type, ready for the wire. */
export interface RecordSet {
  readonly type: number;
  /** With branches: not above theirs. */
  readonly ttlSeconds: number;
  /** What a plain record set answers with. Empty for a steered one. */
  readonly records: readonly Rdata[];
  readonly steering: Steering | undefined;
  /** The name whose records these are, for people: an ALIAS led there. */
  readonly aliasOf?: DomainName;
  /** The name outside of the zones whose addresses these are, as they are known at the moment. */
  readonly outside?: DomainName;
}

/** A record set whose answers depend on health and on the client. */
export interface Steering {
  readonly set: SteeredSet;
  /**
   * Records by index of `set.answers`, side by side with its `addresses` where it has them.
   * Equal data are the same object everywhere.
   */
  readonly records: readonly (readonly Rdata[])[];
  /** Record sets that answers come from instead, by index of `set.answers`. */
  readonly branches?: readonly (RecordSet | undefined)[];
  /** What a choice that is `fixed` stands for. */
  readonly fixed?: readonly Rdata[];
  /** Some datum belongs to two answers, so that answers given together may repeat it. */
  readonly overlapping: boolean;
}

/** Everything that a record set may ever answer with. */
export function allRecords({ records, steering }: RecordSet): readonly Rdata[] {
  if (!steering) return records;
  const below = steering.branches?.flatMap((branch) => (branch ? allRecords(branch) : [])) ?? [];
  return [...new Set([...steering.records.flat(), ...below, ...(steering.fixed ?? [])])];
}

/** A name that exists in a zone. Without record sets it is an empty non-terminal. */
export interface ZoneNode {
  readonly name: DomainName;
  readonly sets: RecordSet[];
}

export interface ZoneParts {
  readonly apex: DomainName;
  readonly nodes: ReadonlyMap<NameKey, ZoneNode>;
  readonly soa: RecordSet;
  readonly negativeTtlSeconds: number;
  readonly hasCuts: boolean;
  /** It has a DNAME. */
  readonly hasRedirects: boolean;
  readonly signer: Signer | undefined;
  /** It comes from primaries: what stands there is not the configuration's to say. Default: not. */
  readonly isSecondary?: boolean;
  /** INFO-CODE (RFC 8914) that says why it has no data, where it should. Default: it has them. */
  readonly unavailable?: number;
}

/**
 * One zone, compiled. Immutable; a change of configuration makes a new one.
 *
 *   "exchange.test"            SOA NS        apex
 *   "ns-eu-west-1.…"           A             glue
 *   "api.…"                    A (steered)
 *   "_tcp.…"                   –             empty non-terminal
 *   "*.shop.…"                 CNAME         wildcard
 *   "lab.…"                    NS            cut: below it another server is authoritative
 *   "old.…"                    DNAME         what would be below it is elsewhere
 */
export class Zone {
  readonly apex: DomainName;
  readonly soa: RecordSet;
  /** TTL of "no such name" and "no such type": min(SOA TTL, SOA minimum) (RFC 2308 5). */
  readonly negativeTtlSeconds: number;
  /** `undefined`: the zone is not signed. */
  readonly signer: Signer | undefined;
  readonly isSecondary: boolean;
  /** INFO-CODE (RFC 8914) that says why there are no data; 0: there are. */
  readonly unavailable: number;
  readonly #nodes: ReadonlyMap<NameKey, ZoneNode>;
  readonly #hasCuts: boolean;
  readonly #hasRedirects: boolean;
  readonly #apexLabels: number;
  readonly #maxLabels: number;

  constructor(parts: ZoneParts) {
    this.apex = parts.apex;
    this.soa = parts.soa;
    this.negativeTtlSeconds = parts.negativeTtlSeconds;
    this.signer = parts.signer;
    this.isSecondary = parts.isSecondary ?? false;
    this.unavailable = parts.unavailable ?? 0;
    this.#nodes = parts.nodes;
    this.#hasCuts = parts.hasCuts;
    this.#hasRedirects = parts.hasRedirects;
    this.#apexLabels = labelCount(parts.apex.key);
    let maxLabels = 0;
    for (const key of parts.nodes.keys()) maxLabels = Math.max(maxLabels, labelCount(key));
    this.#maxLabels = maxLabels;
  }

  node(key: NameKey): ZoneNode | undefined {
    return this.#nodes.get(key);
  }

  nodes(): Iterable<ZoneNode> {
    return this.#nodes.values();
  }

  /**
   * The wildcard that a name which does not exist is synthesised from: `*` below its
   * closest existing ancestor, and no other (RFC 4592 3.3.1).
   */
  wildcardFor(key: NameKey): ZoneNode | undefined {
    let encloser = lastLabels(key, this.#maxLabels);
    while (!this.#nodes.has(encloser)) encloser = parentKey(encloser);
    return this.#nodes.get(`\x01*${encloser}`);
  }

  /** The topmost delegation at or above a name of the zone: its NS are for referral only. */
  cutAbove(key: NameKey): ZoneNode | undefined {
    if (!this.#hasCuts) return undefined;
    const labels = labelCount(key);
    for (let depth = this.#apexLabels + 1; depth <= labels; depth++) {
      const node = this.#nodes.get(lastLabels(key, depth));
      if (node?.sets.some((set) => set.type === ns.code)) return node;
    }
    return undefined;
  }

  /** The topmost name above one of the zone that has a DNAME, and no cut above or beside it. */
  redirectAbove(key: NameKey): ZoneNode | undefined {
    if (!this.#hasRedirects) return undefined;
    const labels = labelCount(key);
    for (let depth = this.#apexLabels; depth < labels; depth++) {
      const node = this.#nodes.get(lastLabels(key, depth));
      if (!node) return undefined;
      if (depth > this.#apexLabels && setOfType(node, ns.code)) return undefined;
      if (setOfType(node, dname.code)) return node;
    }
    return undefined;
  }
}

/** All zones that we are authoritative for. */
export class ZoneSet {
  readonly outside: readonly DomainName[];
  /** What of the configuration is without effect as the zones are now, a sentence each. */
  readonly warnings: readonly string[];
  readonly #zones: ReadonlyMap<NameKey, Zone>;
  readonly #maxLabels: number;

  /** @param outside names whose addresses are answered here, and have to be asked for */
  constructor(
    zones: readonly Zone[],
    outside: readonly DomainName[] = [],
    warnings: readonly string[] = [],
  ) {
    this.outside = outside;
    this.warnings = warnings;
    this.#zones = new Map(zones.map((zone) => [zone.apex.key, zone]));
    let maxLabels = 0;
    for (const { apex } of zones) maxLabels = Math.max(maxLabels, labelCount(apex.key));
    this.#maxLabels = maxLabels;
  }

  /** The zone with the longest apex that holds the name. */
  find(key: NameKey): Zone | undefined {
    for (let name = lastLabels(key, this.#maxLabels); ; name = parentKey(name)) {
      const zone = this.#zones.get(name);
      if (zone || name.length === 1) return zone;
    }
  }

  [Symbol.iterator](): Iterator<Zone> {
    return this.#zones.values();
  }
}

/** The record set of a type at a node. */
export function setOfType(node: ZoneNode, type: number): RecordSet | undefined {
  const { sets } = node;
  for (let i = 0; i < sets.length; i++) if (sets[i]!.type === type) return sets[i];
  return undefined;
}
