import { isMadeBySigning, typeNsec, typeRrsig } from '../dnssec/denial.ts';
import type { Signed, Signer } from '../dnssec/signer.ts';
import { type MessageWriter, type Section, section } from '../wire/message-writer.ts';
import type { DomainName, NameKey } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import { ns } from '../wire/records/ns.ts';
import { ds } from '../wire/records/numbered-octets.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import type { AnswerStep, Resolution } from '../zone/resolve.ts';
import { allRecords, type RecordSet, setOfType, type Zone, type ZoneNode } from '../zone/zone.ts';

/** What decides how an answer is written. */
export interface SectionsQuestion {
  readonly name: NameKey;
  readonly type: number;
  /** Signatures are asked for (the DO bit). */
  readonly dnssecOk: boolean;
}

/**
 * Writes what a question came to into the sections of its response, with signatures where the zone is
 * signed and they are asked for (RFC 4035 3.1, with compact denial: RFC 9824).
 *
 *   answer       each step of the way, and RRSIG; NSEC or RRSIG that were asked for
 *   authority    SOA of what there is not, and NSEC that proves it; NS of a referral, and DS or NSEC
 *   additional   addresses of hosts in the answer, as they are
 */
export class Sections {
  readonly #writer: MessageWriter;
  readonly #nowSeconds: () => number;
  #question: SectionsQuestion = { name: '', type: 0, dnssecOk: false };

  constructor(writer: MessageWriter, nowSeconds: () => number) {
    this.#writer = writer;
    this.#nowSeconds = nowSeconds;
  }

  /** False when the message is too small for what it must hold. */
  write(resolution: Resolution, question: SectionsQuestion): boolean {
    this.#question = question;
    const { outcome, steps, zone, cut } = resolution;
    for (const step of steps) if (!this.#writeStep(step)) return false;
    if (!zone) return true;
    if (outcome === 'noData' || outcome === 'noName') return this.#writeAbsence(resolution, zone);
    if (outcome === 'referral' && cut) return this.#writeReferral(zone, cut);
    const last = steps.at(-1);
    if (last) this.#writeAddresses(zone, last.records, true);
    return true;
  }

  #writeStep({ owner, zone, set, records, isMade }: AnswerStep): boolean {
    const { type, ttlSeconds } = set;
    if (!this.#writeRecords(section.answer, owner, type, ttlSeconds, records)) return false;
    if (!this.#question.dnssecOk || !zone.signer || records.length === 0 || isMade) return true;
    const key = owner?.key ?? this.#question.name;
    const signed = zone.signer.records(key, type, ttlSeconds, records, this.#nowSeconds());
    return this.#writeSignatures(section.answer, owner, ttlSeconds, signed);
  }

  /** Section 2.2 of RFC 2308, and what proves it. */
  #writeAbsence(resolution: Resolution, zone: Zone): boolean {
    const { apex, soa, negativeTtlSeconds: ttl, signer } = zone;
    if (signer && isMadeBySigning(this.#question.type)) return this.#writeMade(resolution, zone);
    if (!this.#writeRecords(section.authority, apex, soa.type, ttl, soa.records)) return false;
    if (!this.#question.dnssecOk || !signer) return true;
    const signed = signer.records(apex.key, soa.type, ttl, soa.records, this.#nowSeconds());
    if (!this.#writeSignatures(section.authority, apex, ttl, signed)) return false;
    const denial = this.#denial(resolution, signer, ttl);
    return this.#writeDenial(resolution.last, ttl, denial);
  }

  /** What signing makes, when it is asked for itself: NSEC, or of the signatures that of the NSEC. */
  #writeMade(resolution: Resolution, { signer, negativeTtlSeconds: ttl }: Zone): boolean {
    const { type, dnssecOk } = this.#question;
    const { last } = resolution;
    const denial = this.#denial(resolution, signer!, ttl);
    const { records } = denial;
    if (type === typeNsec && !this.#writeRecords(section.answer, last, type, ttl, records)) {
      return false;
    }
    if (type === typeNsec && !dnssecOk) return true;
    return this.#writeSignatures(section.answer, last, ttl, denial);
  }

  #denial(resolution: Resolution, signer: Signer, ttlSeconds: number): Signed {
    const { last, node } = resolution;
    const types = node ? this.#typesLeft(resolution, node) : [];
    const key = last?.key ?? this.#question.name;
    return signer.denial(key, types, node !== undefined, ttlSeconds, this.#nowSeconds());
  }

  /** Never the type that is denied, also where it exists and health leaves nothing of it. */
  #typesLeft({ steps }: Resolution, node: ZoneNode): number[] {
    const chosen = steps.at(-1);
    const empty = chosen?.records.length === 0 ? chosen.set.type : undefined;
    return node.sets
      .map(({ type }) => type)
      .filter((type) => type !== this.#question.type && type !== empty);
  }

  /** NS of the cut, and the addresses that we hold of them; both are needed (RFC 9471). */
  #writeReferral(zone: Zone, cut: ZoneNode): boolean {
    const set = setOfType(cut, ns.code);
    if (!set) return true;
    const records = allRecords(set);
    const { type, ttlSeconds } = set;
    if (!this.#writeRecords(section.authority, cut.name, type, ttlSeconds, records)) return false;
    if (this.#question.dnssecOk && zone.signer && !this.#writeDelegation(zone, cut)) return false;
    return this.#writeAddresses(zone, records, false);
  }

  /** Keys of the child, or that it has none. */
  #writeDelegation({ signer, negativeTtlSeconds }: Zone, cut: ZoneNode): boolean {
    const { name } = cut;
    const set = setOfType(cut, ds.code);
    const now = this.#nowSeconds();
    if (!set) {
      const denial = signer!.denial(name.key, [ns.code], true, negativeTtlSeconds, now);
      return this.#writeDenial(name, negativeTtlSeconds, denial);
    }
    const { type, ttlSeconds, records } = set;
    if (!this.#writeRecords(section.authority, name, type, ttlSeconds, records)) return false;
    const signed = signer!.records(name.key, type, ttlSeconds, records, now);
    return this.#writeSignatures(section.authority, name, ttlSeconds, signed);
  }

  #writeDenial(owner: DomainName | undefined, ttlSeconds: number, denial: Signed): boolean {
    const { records } = denial;
    return (
      this.#writeRecords(section.authority, owner, typeNsec, ttlSeconds, records) &&
      this.#writeSignatures(section.authority, owner, ttlSeconds, denial)
    );
  }

  /**
   * Addresses of the hosts that records lead to, as far as they fit. False when one did not.
   * `own`: those alone that are answered here too, which what is below a cut is not.
   */
  #writeAddresses(zone: Zone, data: readonly Rdata[], own: boolean): boolean {
    let complete = true;
    for (const { target } of data) {
      const node = target && zone.node(target.key);
      if (!node || zone.redirectAbove(target.key)) continue;
      if (own && zone.cutAbove(target.key)) continue;
      for (const type of [a.code, aaaa.code]) {
        const set = setOfType(node, type);
        if (set && !this.#writeAdditional(node.name, set)) complete = false;
      }
    }
    return complete;
  }

  #writeAdditional(owner: DomainName, { type, ttlSeconds, records }: RecordSet): boolean {
    return this.#writeRecords(section.additional, owner, type, ttlSeconds, records);
  }

  #writeSignatures(
    to: Section,
    owner: DomainName | undefined,
    ttlSeconds: number,
    { signatures }: Signed,
  ): boolean {
    return this.#writeRecords(to, owner, typeRrsig, ttlSeconds, signatures);
  }

  #writeRecords(
    to: Section,
    owner: DomainName | undefined,
    type: number,
    ttlSeconds: number,
    records: readonly Rdata[],
  ): boolean {
    for (let at = 0; at < records.length; at++) {
      if (!this.#writer.record(to, owner, type, ttlSeconds, records[at]!)) return false;
    }
    return true;
  }
}
