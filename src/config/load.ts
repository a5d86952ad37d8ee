import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codeOf, messageOf } from '../base/errors.ts';
import { ConfigError, type ConfigIssue, type Finding } from './config-error.ts';
import { importConfig } from './config-module.ts';
import { formatPath } from './field-path.ts';
import { withAbsoluteFiles } from './files.ts';
import { readJson } from './json-source.ts';
import type { Config } from './schema/config.ts';
import { decodeText, maximumFileBytes } from './text-source.ts';
import { validate } from './validate.ts';
import { type Position, readYaml, type YamlSource } from './yaml-source.ts';
import { readZoneFiles } from './zone-files.ts';

export interface LoadedConfig {
  /** The validated model, deeply frozen; names of files are absolute. */
  readonly config: Config;
  /** The same as written, without defaults: plain data, names of files absolute. */
  readonly input: unknown;
  /**
   * Names the content: SHA-256, in hexadecimal, of the validated model as JSON, every
   * default filled in, names of files as written (the same content has the same revision
   * wherever it is stored). The order of regions, services and record sets counts, because
   * the small integers of the shared tables follow it.
   */
  readonly revision: string;
  /** Absolute. */
  readonly path: string;
}

/**
 * Reads a configuration: a program (`.ts`, `.mts`, `.js`, `.mjs`), else YAML or JSON. Zone files
 * that it names are read too, and become part of it (`readZoneFiles`).
 *
 * @throws ConfigError `config_unreadable`, or `config_invalid` with every issue of the file.
 */
export async function loadConfig(path: string): Promise<LoadedConfig> {
  const absolute = resolve(path);
  if (/\.[cm]?[jt]s$/.test(path)) {
    await readable(path);
    return acceptWithZones({ value: await importConfig(absolute), issues: [] }, path);
  }
  const { size } = await readable(path);
  if (size > maximumFileBytes) {
    const message = `the file has ${size} bytes, and ${maximumFileBytes} is the limit`;
    throw new ConfigError('config_invalid', [{ file: path, path: '', message }]);
  }
  const bytes = await readFile(path).catch((error: unknown) => unreadable(path, error));
  return acceptWithZones(readText(decodeText(bytes, path), path), path);
}

/**
 * Reads the text of a YAML or JSON configuration. `fileName` is for messages, and names of
 * files in the text are relative to its folder; nothing is read from the disk.
 *
 * @throws ConfigError `config_invalid` with every issue of the text.
 */
export function parseConfig(text: string, fileName: string): LoadedConfig {
  const { value, locate, issues } = readText(text, fileName);
  return accept(value, fileName, locate, issues);
}

/** A document that was read and not yet looked at. */
interface ReadDocument {
  readonly value: unknown;
  readonly locate?: Locate | undefined;
  /** What its reader found already. */
  readonly issues: readonly ConfigIssue[];
}

/** @throws ConfigError `config_invalid` where it cannot be told what the text says */
function readText(text: string, fileName: string): ReadDocument {
  const json = readJson(text);
  if (json !== undefined) {
    let source: YamlSource | undefined;
    const locate: Locate = (path, at) => {
      source ??= readYaml(text);
      return source.locate(path, at);
    };
    return { value: json, locate, issues: [] };
  }
  const source = readYaml(text);
  const issues = source.syntax.map(({ line, column, message }) => ({
    file: fileName,
    line,
    column,
    path: '',
    message,
  }));
  if (source.value === undefined) throw new ConfigError('config_invalid', issues);
  return { value: source.value, locate: source.locate, issues };
}

async function acceptWithZones(
  { value, locate, issues }: ReadDocument,
  file: string,
): Promise<LoadedConfig> {
  const read = await readZoneFiles(value, file);
  const found = read.findings.map((finding) => issueOf(finding, file, locate));
  return accept(read.document, file, locate, [...issues, ...found, ...read.issues]);
}

type Locate = (path: Finding['path'], at: Finding['at']) => Position;

/**
 * Validates a document, whatever it was read from. `earlier` are issues that its reader
 * found already.
 *
 * @throws ConfigError `config_invalid`
 */
export function accept(
  value: unknown,
  file: string,
  locate?: Locate,
  earlier: readonly ConfigIssue[] = [],
): LoadedConfig {
  const validated = validate(value);
  const findings = validated.ok ? [] : validated.findings;
  const issues = [...earlier, ...findings.map((finding) => issueOf(finding, file, locate))];
  if (!validated.ok || issues.length > 0) {
    throw new ConfigError('config_invalid', issues.sort(byPosition));
  }
  const { config, input } = validated;
  return {
    config: deepFreeze(withAbsoluteFiles(config, file)),
    input: withAbsoluteFiles(input, file),
    revision: createHash('sha256').update(JSON.stringify(config)).digest('hex'),
    path: resolve(file),
  };
}

function issueOf({ path, at, message, suggestion }: Finding, file: string, locate?: Locate) {
  return {
    file,
    ...locate?.(path, at),
    path: formatPath(path),
    message,
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}

function byPosition(a: ConfigIssue, b: ConfigIssue): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}

async function readable(path: string): Promise<{ size: number }> {
  const stats = await stat(path).catch((error: unknown) => unreadable(path, error));
  if (stats.isFile()) return stats;
  const message = 'expected a file, and this is something else';
  throw new ConfigError('config_unreadable', [{ file: path, path: '', message }]);
}

function unreadable(path: string, error: unknown): never {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: 'there is no such file',
    ENOTDIR: 'there is no such file',
    EACCES: 'reading it is not permitted',
  };
  const message = reasons[codeOf(error) ?? ''] ?? messageOf(error);
  throw new ConfigError('config_unreadable', [{ file: path, path: '', message }], error);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) deepFreeze(part);
  }
  return value;
}
