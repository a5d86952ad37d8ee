import { posix } from 'node:path';
import type { Steps } from '../../base/steps.ts';
import type { ZoneConfig } from '../../config/schema/zone.ts';
import type { DomainName } from '../wire/name.ts';
import { soa, soaData, soaNumbers } from '../wire/records/soa.ts';
import type { FileRecord } from '../zone-file/reader.ts';
import { parseZoneFile } from '../zone-file/zone-file.ts';
import type { GatheredZone } from './gather.ts';
import type { ZoneProblems } from './problems.ts';
import type { RecordSet } from './zone.ts';

/**
 * The records of a zone's file, if it has one, from the text that the configuration holds.
 * Errors go to `problems` with file and line; warnings are for `meridian zone check`.
 */
export function* readFileZone(
  apex: DomainName,
  { file, contents = {} }: ZoneConfig,
  path: string,
  problems: ZoneProblems,
): Steps<GatheredZone<FileRecord> | undefined> {
  if (file === undefined) return undefined;
  const include = (name: string) => (Object.hasOwn(contents, name) ? contents[name] : undefined);
  const text = include(posix.basename(file)) ?? '';
  const parsed = yield* parseZoneFile({ file, text, origin: apex, include });
  for (const { severity, message, ...place } of parsed.problems) {
    if (severity === 'error') problems.add(path, message, place);
  }
  return parsed.hasErrors ? undefined : parsed.zone;
}

/**
 * The SOA of a zone file with the serial of the revision; `undefined`: it has none. The serial
 * in the file does not count: a revision can change the zone beside the file, and roll the
 * file back, and the serial must rise each time (RFC 1982) or secondaries keep what they
 * have. One that held a higher serial, from the server that the zone came from, has to
 * transfer it anew once.
 */
export function soaWithSerial(
  { apex, nodes }: GatheredZone,
  serial: number,
): RecordSet | undefined {
  const written = nodes.get(apex.key)?.find(({ type }) => type === soa.code);
  const [data] = written?.records ?? [];
  if (!written || !data) return undefined;
  const [primary, hostmaster] = data.names;
  const numbers = { ...soaNumbers(data), serial: serial >>> 0 };
  const records = [soaData(primary!, hostmaster!, numbers)];
  return { type: soa.code, ttlSeconds: written.ttlSeconds, records, steering: undefined };
}
