import type { NameKey } from '../wire/name.ts';
import { a } from '../wire/records/a.ts';
import { aaaa } from '../wire/records/aaaa.ts';
import { cname } from '../wire/records/cname.ts';
import type { Rdata } from '../wire/records/record-type.ts';
import { https, svcb } from '../wire/records/service-binding.ts';
import type { ZoneProblems } from './problems.ts';
import type { AnswerStep, Resolution } from './resolve.ts';
import { allRecords, type RecordSet, setOfType, type ZoneNode, type ZoneSet } from './zone.ts';

/** Whether a record set may have hints that are filled in as it is answered. */
export function mayHint(type: number): boolean {
  return type === svcb.code || type === https.code;
}

/**
 * Fills in `ipv4hint=auto` and `ipv6hint=auto`: what a question for the addresses of the target
 * would be answered now, for the same client, by health and routing policy as they are there.
 *
 * @param lookUp goes the way of such a question
 */
export function withHints(
  step: AnswerStep,
  owner: NameKey,
  lookUp: (name: NameKey, type: number) => Resolution,
): AnswerStep {
  if (!step.records.some(({ hints }) => hints)) return step;
  const hintSteps: AnswerStep[] = [];
  const addresses = (name: NameKey, type: number): readonly Rdata[] => {
    const { outcome, steps } = lookUp(name, type);
    hintSteps.push(...steps);
    const last = steps.at(-1);
    return outcome === 'answer' && last?.set.type === type ? last.records : [];
  };
  const records = step.records.map((record) => {
    const { hints } = record;
    if (!hints) return record;
    const target = hints.target?.key ?? owner;
    const ipv4 = hints.ipv4 ? addresses(target, a.code) : [];
    return hints.fill(ipv4, hints.ipv6 ? addresses(target, aaaa.code) : []);
  });
  return { ...step, records, hintSteps };
}

/** A record set of the configuration with hints to fill in, at its place. */
export interface PendingHints {
  readonly owner: NameKey;
  readonly set: RecordSet;
  readonly path: string;
}

/**
 * Tells of hints whose target never has such addresses here.
 *
 * @param uncertain nodes whose addresses depend on a zone from elsewhere
 */
export function checkHints(
  zones: ZoneSet,
  pending: readonly PendingHints[],
  uncertain: ReadonlySet<ZoneNode>,
  problems: ZoneProblems,
): void {
  for (const { owner, set, path } of pending) {
    for (const { hints } of allRecords(set)) {
      if (!hints) continue;
      const key = hints.target?.key ?? owner;
      const zone = zones.find(key);
      if (zone && zone.unavailable !== 0) continue;
      const node = zone?.node(key) ?? zone?.wildcardFor(key);
      for (const [wanted, type] of [
        [hints.ipv4, a],
        [hints.ipv6, aaaa],
      ] as const) {
        if (!wanted || (node && (setOfType(node, type.code) ?? setOfType(node, cname.code))))
          continue;
        const name = hints.target ?? 'its name';
        const hint = type === a ? 'ipv4hint' : 'ipv6hint';
        const message = `${hint}=auto: ${name} has no record set of type ${type.name} here`;
        // A primary may change its zone at any time, and must not stop what is served here.
        if (zone?.isSecondary || (node && uncertain.has(node))) problems.warn(path, message);
        else problems.add(path, message);
      }
    }
  }
}
