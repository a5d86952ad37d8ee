import { MeridianError } from '../base/errors.ts';
import type { FieldPath } from './field-path.ts';

/**
 * - `config_invalid`: the file was read and says something impossible
 * - `config_unreadable`: there is no such file, or it may not be read
 */
export type ConfigErrorCode = 'config_invalid' | 'config_unreadable';

/** What a check found wrong, before it is known where the field stands in the file. */
export interface Finding {
  readonly path: FieldPath;
  /** The offending part: the name of the field, or what it was set to. */
  readonly at: 'key' | 'value';
  readonly message: string;
  /** The name or value that was likely meant. */
  readonly suggestion?: string | undefined;
}

/** One thing that is wrong with a configuration file. Lines and columns count from 1. */
export interface ConfigIssue {
  readonly file: string;
  /** Absent where the file is a program and has no position for a field. */
  readonly line?: number;
  /** Absent also where only the line is known. */
  readonly column?: number;
  /** `routes[2].service`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  readonly suggestion?: string;
}

/** Everything that is wrong with one configuration file, in the order of the file. */
export class ConfigError extends MeridianError<ConfigErrorCode> {
  readonly issues: readonly ConfigIssue[];

  constructor(code: ConfigErrorCode, issues: readonly ConfigIssue[], cause?: unknown) {
    super(code, formatIssues(issues), { details: { issues }, ...(cause ? { cause } : {}) });
    this.name = 'ConfigError';
    this.issues = issues;
  }
}

/** One line per issue, as compilers write them: `file:line:column: path: message`. */
export function formatIssues(issues: readonly ConfigIssue[]): string {
  return issues.map(formatIssue).join('\n');
}

function formatIssue({ file, line, column, path, message, suggestion }: ConfigIssue): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const subject = path === '' ? '' : `${path}: `;
  const meant = suggestion === undefined ? '' : `; did you mean "${suggestion}"?`;
  return `${place}: ${subject}${message}${meant}`;
}
