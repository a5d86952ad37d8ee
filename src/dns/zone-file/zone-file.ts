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
export function parseZoneFile(source: ZoneFileSource): ZoneFile {
  const problems = new ZoneFileProblems();
  const records = readZoneFile(source, problems);
  const apex = source.origin ?? apexOf(records);
  let zone: GatheredZone<FileRecord> | undefined;
  if (apex) {
    const report: Report<FileRecord> = (severity, record, message) => {
      if (severity === 'error') problems.error(record, message);
      else problems.warn(record, message);
    };
    zone = gatherZone(apex, records, report);
    if (!problems.hasErrors) warnOfSlips(zone, report);
  } else if (!problems.hasErrors) {
    problems.error({ file: source.file, line: 1 }, 'there is no SOA that would name the zone');
  }
  return { zone, problems: problems.all, hasErrors: problems.hasErrors };
}

function apexOf(records: readonly FileRecord[]): DomainName | undefined {
  return records.find(({ type }) => type === soa.code)?.owner;
}
