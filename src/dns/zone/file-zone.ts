import { posix } from 'node:path';
import type { Steps } from '../../base/steps.ts';
import type { ZoneConfig } from '../../config/schema/zone.ts';
import type { DomainName } from '../wire/name.ts';
import type { FileRecord } from '../zone-file/reader.ts';
import { parseZoneFile } from '../zone-file/zone-file.ts';
import type { GatheredZone } from './gather.ts';
import type { ZoneProblems } from './problems.ts';

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
