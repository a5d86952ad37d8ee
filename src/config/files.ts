import { dirname, isAbsolute, resolve } from 'node:path';
import { type FieldPath, fieldsAt, valueAt } from './field-path.ts';

/** What may stand where a file is named: only its name, or also `secret:NAME`. */
type FileKind = 'file' | 'pem';

/**
 * Every field that names a file; `*` is each entry of a list or a mapping. `{region}` in a
 * name stays for the node to fill in.
 */
const fileFields: readonly (readonly [path: string, kind: FileKind])[] = [
  ['tls.certificate', 'pem'],
  ['tls.key', 'pem'],
  ['tls.certificates.*.certificate', 'pem'],
  ['tls.certificates.*.key', 'pem'],
  ['tls.clientCertificates.authority', 'pem'],
  ['listeners.*.tls.certificate', 'pem'],
  ['listeners.*.tls.key', 'pem'],
  ['listeners.*.tls.certificates.*.certificate', 'pem'],
  ['listeners.*.tls.certificates.*.key', 'pem'],
  ['listeners.*.tls.clientCertificates.authority', 'pem'],
  ['services.*.tls.authority', 'pem'],
  ['services.*.tls.certificate', 'pem'],
  ['services.*.tls.key', 'pem'],
  ['services.*.balancing.secret', 'pem'],
  ['identity.authority', 'pem'],
  ['identity.certificate', 'pem'],
  ['identity.key', 'pem'],
  ['geo.database', 'file'],
  ['plugins.*', 'file'],
];

/** Begins the name of a secret where the name of a file may stand. */
const secretPrefix = 'secret:';

/** A name of a file that starts from nowhere yet. */
export interface RelativeFile {
  readonly path: FieldPath;
  readonly name: string;
  readonly kind: FileKind;
}

/**
 * A copy of a configuration, as written or validated, whose relative file names start
 * from the folder of its file, so that it means the same wherever it is read next.
 */
export function withAbsoluteFiles<T>(config: T, configPath: string): T {
  const folder = dirname(resolve(configPath));
  const copy = structuredClone(config);
  for (const { path, name } of relativeFiles(copy)) {
    const holder = valueAt(copy, path.slice(0, -1)) as Record<string | number, unknown>;
    holder[path.at(-1)!] = resolve(folder, name);
  }
  return copy;
}

/** The relative names of files. The document need not be valid. */
export function relativeFiles(document: unknown): RelativeFile[] {
  return fileFields.flatMap(([pattern, kind]) =>
    [...fieldsAt(document, pattern.split('.'))].flatMap(({ path, value: name }) => {
      if (typeof name !== 'string' || isAbsolute(name)) return [];
      return kind === 'pem' && name.startsWith(secretPrefix) ? [] : [{ path, name, kind }];
    }),
  );
}

/** Where a configuration names the text of a certificate, key or other secret: file or `secret:NAME`. */
export function pemPlaces(config: unknown): string[] {
  return fileFields
    .filter(([, kind]) => kind === 'pem')
    .flatMap(([pattern]) => [...fieldsAt(config, pattern.split('.'))])
    .map(({ value }) => value)
    .filter((place) => typeof place === 'string');
}
