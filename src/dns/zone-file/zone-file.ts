import { atOnce, type Steps } from '../../base/steps.ts';
import type { DomainName } from '../wire/name.ts';
import { soa } from '../wire/records/soa.ts';
import { type GatheredZone, gatherZone, type Report } from '../zone/gather.ts';
import { warnOfSlips } from '../zone/slips.ts';
import { type ZoneFileProblem, ZoneFileProblems } from './problems.ts';
import { type FileRecord, readZoneFile, type ZoneFileSource } from './reader.ts';

export interface ZoneFile {
  /** `undefined`: neither the caller nor an SOA names the zone. */
  readonly zone: GatheredZone<FileRecord> | undefined;
  /** Errors and warnings, those of the text first. With an error the zone is not whole. */
  readonly problems: readonly ZoneFileProblem[];
  readonly hasErrors: boolean;
}

/**
 * Reads a zone file and puts its records together. Its apex is `origin`, else the owner of the
 * SOA, which must then be there; a zone of the configuration gets one without.
 */
export function* parseZoneFile(source: ZoneFileSource): Steps<ZoneFile> {
  const problems = new ZoneFileProblems();
  const records = yield* readZoneFile(source, problems);
  const apex = source.origin ?? apexOf(records);
  let zone: GatheredZone<FileRecord> | undefined;
  if (apex) zone = yield* gatherZone(apex, records, reportTo(problems));
  else if (!problems.hasErrors) {
    problems.error({ file: source.file, line: 1 }, 'there is no SOA that would name the zone');
  }
  return { zone, problems: problems.all, hasErrors: problems.hasErrors };
}

/** The same at once, for people: it also warns of what is surely not meant. */
export function checkZoneFile(source: ZoneFileSource): ZoneFile {
  const parsed = atOnce(parseZoneFile(source));
  if (!parsed.zone || parsed.hasErrors) return parsed;
  const slips = new ZoneFileProblems();
  warnOfSlips(parsed.zone, reportTo(slips));
  return { ...parsed, problems: [...parsed.problems, ...slips.all] };
}

function reportTo(problems: ZoneFileProblems): Report<FileRecord> {
  return (severity, record, message) => {
    if (severity === 'error') problems.error(record, message);
    else problems.warn(record, message);
  };
}

function apexOf(records: readonly FileRecord[]): DomainName | undefined {
  return records.find(({ type }) => type === soa.code)?.owner;
}
