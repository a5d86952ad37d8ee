import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { codeOf, messageOf } from '../base/errors.ts';
import { ConfigError, type ConfigIssue, type Finding } from './config-error.ts';
import { fieldsAt } from './field-path.ts';
import type { Config } from './schema/config.ts';
import { decodeText } from './text-source.ts';
import { includedFileName } from './zone-file-name.ts';

/** Of all zone files of a configuration together: about 200,000 records. */
export const maximumZoneBytes = 8 * 1_024 * 1_024;

/** Of one zone: its file and those that it includes. */
const maximumFiles = 100;

export interface ReadZoneFiles {
  /** The document with `contents` beside each `file`; what is given stays as it is. */
  readonly document: unknown;
  /** At the field that names a file. */
  readonly findings: readonly Finding[];
  /** In a file itself. */
  readonly issues: readonly ConfigIssue[];
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads the zone files that a document names, and what these include, into the document:
 *
 *   zones.X: { file: zones/x.zone }
 *        └▶  { file: zones/x.zone, contents: { "x.zone": "$TTL …", "hosts/eu.zone": "…" } }
 *
 * So a revision is whole: it is hashed, compared, stored, rolled back and served with the
 * records that were there when it was applied, on nodes that have no such file. `file` stays, as
 * the name that messages use; the texts stay texts, so that what is wrong is told by their
 * lines, and a difference of two revisions by lines too. Where there are `contents` already
 * (the document was loaded before) nothing is read.
 *
 * Which files are included is only guessed here, by the look of a line: what is not there, or
 * stands outside of the folder of the zone's file, is left out, and told by who reads the text.
 */
export async function readZoneFiles(document: unknown, configPath: string): Promise<ReadZoneFiles> {
  const findings: Finding[] = [];
  const issues: ConfigIssue[] = [];
  const budget = { bytes: maximumZoneBytes };
  let whole = document;
  for (const { path: place, value } of fieldsAt(document, ['zones', '*'])) {
    const zone = place[1];
    const { file, contents } = (value ?? {}) as Fields;
    if (typeof zone !== 'string' || typeof file !== 'string' || contents !== undefined) continue;
    try {
      const path = resolve(dirname(resolve(configPath)), file);
      const texts = await readFolder(path, file, budget);
      whole = withZone(whole, zone, { ...(value as Fields), contents: texts });
    } catch (error) {
      if (error instanceof ConfigError) issues.push(...error.issues);
      else findings.push({ path: [...place, 'file'], at: 'value', message: reasonOf(error) });
      // What is missing was told once: without contents the zone would be told again.
      whole = withZone(whole, zone, { ...(value as Fields), file: undefined });
    }
  }
  return { document: whole, findings, issues };
}

/**
 * A zone file and those that it includes, as `contents` holds them.
 *
 * @throws ConfigError `config_unreadable`, or `config_invalid` where one is no text
 */
export async function readZoneTexts(path: string): Promise<Readonly<Record<string, string>>> {
  try {
    return await readFolder(resolve(path), path, { bytes: maximumZoneBytes });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    const issue = { file: path, path: '', message: reasonOf(error) };
    throw new ConfigError('config_unreadable', [issue], error);
  }
}

/** Absolute names of the zone files of a configuration that was loaded from `configPath`. */
export function zoneFilePaths({ zones }: Config, configPath: string): string[] {
  const folder = dirname(resolve(configPath));
  return Object.values(zones).flatMap(({ file, contents = {} }) =>
    file === undefined
      ? []
      : Object.keys(contents).map((name) => resolve(folder, dirname(file), name)),
  );
}

/**
 * Whether one of these files holds something else now than the configuration has of it. One
 * that is not there says nothing: the configuration may have come from elsewhere.
 */
export async function zoneFilesDiffer(config: Config, configPath: string): Promise<boolean> {
  const texts = Object.values(config.zones).flatMap(({ file, contents = {} }) =>
    file === undefined ? [] : Object.values(contents),
  );
  for (const [index, path] of zoneFilePaths(config, configPath).entries()) {
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text !== undefined && text.replace(/^\ufeff/, '') !== texts[index]) return true;
  }
  return false;
}

function withZone(document: unknown, zone: string, fields: Fields): unknown {
  const root = document as Fields;
  return { ...root, zones: { ...(root.zones as Fields), [zone]: fields } };
}

interface Budget {
  bytes: number;
}

/** The file and what it includes, by name from its folder on; the file first. */
async function readFolder(
  path: string,
  shown: string,
  budget: Budget,
): Promise<Readonly<Record<string, string>>> {
  const texts = new Map<string, string>();
  const folder = dirname(path);
  const root = await realpath(folder);
  texts.set(basename(path), await readText(path, shown, budget));
  for (const text of texts.values()) {
    for (const name of includedNames(text)) {
      if (texts.has(name)) continue;
      if (texts.size >= maximumFiles) throw new Error(`more than ${maximumFiles} files`);
      const real = await realpath(join(folder, name)).catch(() => undefined);
      if (!real?.startsWith(root.endsWith(sep) ? root : root + sep)) continue;
      texts.set(name, await readText(real, join(dirname(shown), name), budget));
    }
  }
  return Object.fromEntries(texts);
}

function* includedNames(text: string): Iterable<string> {
  for (const [, quoted, plain] of text.matchAll(/^\$INCLUDE[ \t]+(?:"([^"\n]*)"|([^\s;"]+))/gim)) {
    const name = includedFileName(quoted ?? plain ?? '');
    if (name !== undefined) yield name;
  }
}

async function readText(path: string, shown: string, budget: Budget): Promise<string> {
  const { size } = await regularFile(path);
  budget.bytes -= size;
  if (budget.bytes < 0) {
    throw new Error(`the zone files have more than ${maximumZoneBytes} bytes, which is the limit`);
  }
  return decodeText(await readFile(path), shown);
}

async function regularFile(path: string): Promise<{ size: number }> {
  const stats = await stat(path);
  if (stats.isFile()) return stats;
  throw new Error('expected a file, and this is something else');
}

function reasonOf(error: unknown): string {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'reading it is not permitted',
  };
  return reasons[codeOf(error) ?? ''] ?? messageOf(error);
}
