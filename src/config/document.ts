import type { ConfigIssue } from './config-error.ts';
import { formatPath } from './field-path.ts';
import { relativeFiles } from './files.ts';
import { accept } from './load.ts';
import type { Config } from './schema/config.ts';

export interface AcceptedDocument {
  /** The validated model, deeply frozen. */
  readonly config: Config;
  /** The same as written, without defaults: plain data. */
  readonly document: unknown;
  /** Content hash, as in `LoadedConfig`. */
  readonly revision: string;
}

/**
 * Reads a configuration that came from outside as data: from the store, the admin API, a
 * bundle. The result and its hash are those of a file with that content. There is no folder
 * that a relative name of a file could start from, so files are named absolutely, or by
 * `secret:NAME`.
 *
 * @param place for messages, in front of each: `revision 12 of the store`.
 * @throws ConfigError `config_invalid` with every issue of the document.
 */
export function acceptDocument(document: unknown, place: string): AcceptedDocument {
  const issues: ConfigIssue[] = relativeFiles(document).map(({ path, name, kind }) => ({
    file: place,
    path: formatPath(path),
    message: `expected an absolute name of a file${kind === 'pem' ? ' or "secret:NAME"' : ''}, got ${JSON.stringify(name)}`,
  }));
  const { config, input, revision } = accept(document, place, undefined, issues);
  return { config, document: input, revision };
}
