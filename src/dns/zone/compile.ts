import { atOnce, type Steps } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import type { RecordSetConfig, ZoneConfig } from '../../config/schema/zone.ts';
import type { Topology } from '../../config/topology.ts';
import { KeySet } from '../dnssec/key-set.ts';
import { Signer } from '../dnssec/signer.ts';
import { parseZoneKeys } from '../dnssec/zone-key.ts';
import { readTransferredZone } from '../transfer/transferred-zone.ts';
import type { TransferredZones } from '../transfer/zone-image.ts';
import { DomainName, isWithin, type NameKey, parseName } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import { cname } from '../wire/records/cname.ts';
import { dname } from '../wire/records/dname.ts';
import { ns } from '../wire/records/ns.ts';
import { cdnskey, cds, dnskey } from '../wire/records/numbered-octets.ts';
import { type Rdata, rdata } from '../wire/records/record-type.ts';
import { typeCode, typeName } from '../wire/records/registry.ts';
import { soa, soaData, soaNumbers } from '../wire/records/soa.ts';
import type { Place } from '../zone-file/problems.ts';
import { linkAliases, type PendingAlias } from './alias.ts';
import { ConfiguredSets } from './configured-sets.ts';
import { readFileZone, soaWithSerial } from './file-zone.ts';
import type { GatheredZone } from './gather.ts';
import { checkHints, mayHint, type PendingHints } from './hints.ts';
import { ZoneProblems } from './problems.ts';
import type { ResourceRecord } from './record.ts';
import { unavailableZone } from './unavailable.ts';
import { allRecords, type RecordSet, setOfType, Zone, type ZoneNode, ZoneSet } from './zone.ts';

/** Sets of a zone whose signatures are kept: some 10 MB. */
const keptSignatures = 20_000;

/** Names of a zone file in one step: some 0.1 ms. */
const nodesPerStep = 64;

/**
 * Of a zone file, empty non-terminals too: a name of 120 labels may bring 119 of them.
 * 400 MB for each thread.
 */
const maximumNames = 1_000_000;

/** TTL of what we add ourselves (SOA, NS, glue): it changes only with the regions. */
const ownTtlSeconds = 3_600;

/**
 * Compiles the zones of a configuration. `serial` is the SOA serial (the revision's number).
 * `keyTexts`: keys of those that are signed, by zone, as `parseZoneKeys` reads them. `transferred`:
 * what there is of those that come from elsewhere.
 * Throws `bad_zone` with every problem in `details.problems`.
 */
export function compileZones(
  config: Config,
  topology: Topology,
  serial: number,
  keyTexts?: Readonly<Record<string, string>>,
  transferred?: TransferredZones,
): ZoneSet {
  return atOnce(compileZonesInSteps(config, topology, serial, keyTexts, transferred));
}

/** The same step by step: of a large zone file others need not wait for the end. */
export function* compileZonesInSteps(
  config: Config,
  topology: Topology,
  serial: number,
  keyTexts: Readonly<Record<string, string>> = {},
  transferred: TransferredZones = {},
): Steps<ZoneSet> {
  const problems = new ZoneProblems();
  const zones: Zone[] = [];
  const aliases: PendingAlias[] = [];
  const hints: PendingHints[] = [];
  const apexes = new Set<NameKey>();
  for (const [name, zone] of Object.entries(config.zones)) {
    const path = `zones[${JSON.stringify(name)}]`;
    const apex = problems.attempt(path, () => parseName(name));
    if (!apex) continue;
    if (apexes.has(apex.key)) problems.add(path, `there is another zone ${apex}`);
    apexes.add(apex.key);
    const keys = problems.attempt(`${path}.dnssec`, () => keysOf(name, zone, keyTexts));
    const there = Object.hasOwn(transferred, name) ? transferred[name] : undefined;
    const held = zone.secondary && (there ?? 'empty');
    if (typeof held === 'string') {
      zones.push(unavailableZone(apex, held));
      continue;
    }
    const compiler = new ZoneCompiler(apex, zone, topology, path, problems);
    const imported = held
      ? yield* readTransferredZone(apex, held)
      : yield* readFileZone(apex, zone, path, problems);
    zones.push(yield* compiler.compile({ serial: held?.serial ?? serial, keys, imported }));
    aliases.push(...compiler.aliases);
    hints.push(...compiler.hints);
  }
  const { outside, uncertain } = linkAliases(new ZoneSet(zones), aliases, problems);
  checkHints(new ZoneSet(zones), hints, uncertain, problems);
  problems.throwIfAny();
  return new ZoneSet(zones, outside, problems.warnings);
}

interface ZoneSources {
  readonly serial: number;
  /** Of a zone that is signed. */
  readonly keys: KeySet | undefined;
  /** From its file, or its primary. */
  readonly imported: ImportedZone | undefined;
}

type ImportedZone = GatheredZone<ResourceRecord & Partial<Place>>;

class ZoneCompiler {
  /** For when all zones are compiled: they may lead to any. */
  readonly aliases: PendingAlias[] = [];
  readonly hints: PendingHints[] = [];
  readonly #apex: DomainName;
  readonly #config: ZoneConfig;
  readonly #topology: Topology;
  readonly #path: string;
  readonly #problems: ZoneProblems;
  readonly #nodes = new Map<NameKey, ZoneNode>();

  constructor(
    apex: DomainName,
    config: ZoneConfig,
    topology: Topology,
    path: string,
    problems: ZoneProblems,
  ) {
    this.#apex = apex;
    this.#config = config;
    this.#topology = topology;
    this.#path = path;
    this.#problems = problems;
  }

  *compile({ serial, keys, imported }: ZoneSources): Steps<Zone> {
    const apexNode = this.#node(this.#apex);
    if (imported) yield* this.#addImported(imported, keys !== undefined);
    this.#addRecords(imported);
    const primary = this.#addNameServers(apexNode);
    const written = imported && soaWithSerial(imported, serial);
    const soaSet = written ?? this.#soa(primary, serial);
    apexNode.sets.push(soaSet);
    if (keys) apexNode.sets.push(...this.#keySets(keys));
    let hasCuts = false;
    let hasRedirects = false;
    let seen = 0;
    for (const node of this.#nodes.values()) {
      const isCut = node !== apexNode && setOfType(node, ns.code) !== undefined;
      hasCuts ||= isCut;
      hasRedirects ||= setOfType(node, dname.code) !== undefined;
      if (++seen % nodesPerStep === 0) yield;
    }
    return new Zone({
      apex: this.#apex,
      nodes: this.#nodes,
      soa: soaSet,
      negativeTtlSeconds: Math.min(soaSet.ttlSeconds, soaNumbers(soaSet.records[0]!).minimum),
      hasCuts,
      hasRedirects,
      signer: keys && new Signer({ apex: this.#apex.key, keys, capacity: keptSignatures }),
      isSecondary: this.#config.secondary !== undefined,
    });
  }

  /** The SOA apart, which gets another serial. */
  *#addImported({ nodes }: ImportedZone, signed: boolean): Steps<void> {
    let added = 0;
    for (const sets of nodes.values()) {
      if (++added % nodesPerStep === 0) yield;
      if (this.#nodes.size > maximumNames) {
        const message = `has more than ${maximumNames} names, with those that only stand between`;
        this.#problems.add(this.#path, message);
        return;
      }
      for (const { owner, type, ttlSeconds, records, first } of sets) {
        if (type === soa.code) continue;
        if (signed && owner.key === this.#apex.key && keyTypes.has(type)) {
          const message = `${typeName(type)} of the apex is made from \`dnssec.keys\``;
          // The keys of a primary are those of its own signatures.
          if (this.#config.secondary) continue;
          const { file = '', line = 0 } = first;
          this.#problems.add(this.#path, message, { file, line });
        }
        this.#node(owner).sets.push({ type, ttlSeconds, records, steering: undefined });
      }
    }
  }

  #addRecords(imported: ImportedZone | undefined): void {
    const configured = new ConfiguredSets({
      origin: this.#apex,
      zone: this.#config,
      topology: this.#topology,
      path: this.#path,
      problems: this.#problems,
      other: (owner, type) => {
        const node = this.#nodes.get(owner);
        return node && setOfType(node, typeCode(type)!);
      },
    });
    for (const [index, config] of this.#config.records.entries()) {
      const path = `${this.#path}.records[${index}]`;
      const name = this.#problems.attempt(`${path}.name`, () => parseName(config.name, this.#apex));
      if (config.type === 'ALIAS') {
        if (name) this.#addAlias(name, config, path);
        continue;
      }
      const set = configured.compile(index);
      const written = name && imported?.nodes.get(name.key)?.find(({ type }) => type === set?.type);
      if (written) {
        const { file, line } = written.first;
        this.#problems.add(
          path,
          `${file}:${line} has ${typeName(written.type)} of ${name} already`,
        );
      } else if (name && set) this.#add(name, set, path);
    }
  }

  #addAlias(name: DomainName, { target, ttl }: RecordSetConfig, path: string): void {
    const owner = this.#node(name);
    const to = this.#problems.attempt(`${path}.target`, () => parseName(target ?? '', this.#apex));
    if (owner.sets.some(({ type }) => [a.code, aaaa.code, cname.code].includes(type))) {
      const message = `${name} has A, AAAA or CNAME already, or an ALIAS, which gives addresses`;
      this.#problems.add(path, message);
    } else if (to) {
      const ttlSeconds = ttl === undefined ? undefined : ttl / 1_000;
      this.aliases.push({ owner, target: to, ttlSeconds, path });
    }
  }

  /** RFC 1034 3.6.2: where there is a CNAME there is nothing else, so none at the apex. */
  #add(name: DomainName, set: RecordSet, path: string): void {
    const { sets } = this.#node(name);
    if (mayHint(set.type)) this.hints.push({ owner: name.key, set, path });
    if (setOfType({ name, sets }, set.type)) {
      this.#problems.add(path, `there is another record set of this type for ${name}`);
    }
    const hasAlias = setOfType({ name, sets }, cname.code) !== undefined;
    if (hasAlias || (set.type === cname.code && (sets.length > 0 || name.key === this.#apex.key))) {
      this.#problems.add(path, `a CNAME cannot stand beside other records of ${name}`);
    }
    sets.push(set);
  }

  /** The node of a name of the zone, with empty non-terminals up to the apex. */
  #node(name: DomainName): ZoneNode {
    let node = this.#nodes.get(name.key);
    if (node) return node;
    node = { name, sets: [] };
    this.#nodes.set(name.key, node);
    if (name.key !== this.#apex.key) {
      this.#node(parentOf(name));
    }
    return node;
  }

  /**
   * NS of the apex: configured, or one per region that serves, with its addresses as glue.
   * They are static: a resolver that finds one dead asks the next. Returns the first.
   */
  #addNameServers(apexNode: ZoneNode): DomainName {
    const configured = setOfType(apexNode, ns.code);
    const path = `${this.#path}.nameservers`;
    const names: DomainName[] = [];
    if (this.#config.nameservers) {
      if (configured) this.#problems.add(path, 'there are NS records for `@` as well');
      for (const [index, text] of this.#config.nameservers.entries()) {
        const name = this.#problems.attempt(`${path}[${index}]`, () => this.#hostName(text));
        if (name) names.push(name);
      }
    } else if (!configured) names.push(...this.#regionNameServers());
    if (!this.#config.secondary) this.#checkReached(names);
    if (names.length > 0) {
      apexNode.sets.push(plainSet(ns.code, names.map(nameData)));
    }
    const target = configured && allRecords(configured)[0];
    return names[0] ?? target?.names[0] ?? this.#apex;
  }

  /** Of names that stand in no record: those of records were looked at where they are. */
  #checkReached(nameServers: readonly DomainName[]): void {
    for (const name of nameServers) {
      let above = name;
      while (above.key !== this.#apex.key && isWithin(above.key, this.#apex.key)) {
        above = parentOf(above);
        const node = this.#nodes.get(above.key);
        if (!node || !setOfType(node, dname.code)) continue;
        const message = `the name server ${name} is below the DNAME of ${above}, which hides it (RFC 6672 2.3): set \`nameservers\` to names that are not`;
        this.#problems.add(this.#path, message);
      }
    }
  }

  #regionNameServers(): DomainName[] {
    const names: DomainName[] = [];
    for (const region of this.#topology.regions) {
      if (!region.serves) continue;
      const name = parseName(`ns-${region.name}`, this.#apex);
      names.push(name);
      const node = this.#node(name);
      if (node.sets.length === 0) {
        const glue = region.addresses.map(({ address }) => a.parse(address, this.#apex));
        node.sets.push(plainSet(a.code, glue));
      }
    }
    return names;
  }

  /** What validators and the parent are told of the keys (RFC 4034 2, RFC 7344). */
  #keySets(keys: KeySet): RecordSet[] {
    const owner = Buffer.from(this.#apex.key, 'latin1');
    const delegations = keys.delegated.map((key) => key.delegation(owner));
    return [
      plainSet(
        dnskey.code,
        keys.keys.map(({ data }) => data),
      ),
      plainSet(
        cdnskey.code,
        keys.delegated.map(({ data }) => data),
      ),
      plainSet(cds.code, delegations),
    ];
  }

  #soa(primary: DomainName, serial: number): RecordSet {
    const { hostmaster = 'hostmaster', refresh, retry, expire, negativeTtl } = this.#config.soa;
    const path = `${this.#path}.soa.hostmaster`;
    const mailbox = this.#problems.attempt(path, () => this.#mailbox(hostmaster));
    const data = soaData(primary, mailbox ?? this.#apex, {
      serial: serial >>> 0,
      refresh: refresh / 1_000,
      retry: retry / 1_000,
      expire: expire / 1_000,
      minimum: negativeTtl / 1_000,
    });
    return plainSet(soa.code, [data]);
  }

  /** `ns1` is below the zone; a name with a dot is absolute, as host names elsewhere are. */
  #hostName(text: string): DomainName {
    return text.includes('.') ? parseName(text) : parseName(text, this.#apex);
  }

  /** `dns@example.com`, or the form of RFC 1035 3.3.13 where the first label is the local part. */
  #mailbox(text: string): DomainName {
    const atSign = text.lastIndexOf('@');
    if (atSign < 1) return this.#hostName(text);
    const local = text.slice(0, atSign).replaceAll('.', '\\.');
    return parseName(local, parseName(text.slice(atSign + 1)));
  }
}

function parentOf({ wire }: DomainName): DomainName {
  return new DomainName(wire.subarray(1 + wire[0]!));
}

/** @throws DnsError `bad_dnssec_key` */
function keysOf(
  name: string,
  { dnssec }: ZoneConfig,
  keyTexts: Readonly<Record<string, string>>,
): KeySet | undefined {
  return dnssec && new KeySet(name, parseZoneKeys(keyTexts[name] ?? ''));
}

/** What a validator takes from the apex. */
const keyTypes: ReadonlySet<number> = new Set([dnskey.code, cdnskey.code, cds.code]);

function nameData(name: DomainName): Rdata {
  return rdata({ names: [name], target: name });
}

function plainSet(type: number, records: readonly Rdata[]): RecordSet {
  return { type, ttlSeconds: ownTtlSeconds, records, steering: undefined };
}
