import { dirname, isAbsolute, resolve } from 'node:path';
import { type FieldPath, fieldsAt } from './field-path.ts';

/** What may stand where a file is named: only its name, or also `secret:NAME`. */
type FileKind = 'file' | 'pem';

/** Who signs the certificates of what is probed. */
const probeAuthorities = [
  'services.*.check.authority',
  'services.*.check.tls.authority',
  'checks.*.authority',
  'checks.*.tls.authority',
] as const;

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
  ...probeAuthorities.map((path) => [path, 'pem'] as const),
  ['zones.*.dnssec.keys', 'pem'],
  ['dns.cookies.secret', 'pem'],
  ['dns.transferKeys.*.secret', 'pem'],
  ['data.tokens.*.token', 'pem'],
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

type Holder = Record<string | number, unknown>;

/**
 * The same configuration, as written or validated, with relative file names that start
 * from the folder of its file, so that it means the same wherever it is read next. What
 * is given stays as it is; the result shares with it whatever names no file.
 */
export function withAbsoluteFiles<T>(config: T, configPath: string): T {
  const folder = dirname(resolve(configPath));
  const copies = new Set<unknown>();
  const copyOf = (part: unknown): Holder => {
    if (copies.has(part)) return part as Holder;
    const copy = Array.isArray(part) ? [...part] : { ...(part as Holder) };
    copies.add(copy);
    return copy as Holder;
  };
  const relative = relativeFiles(config);
  const root = relative.length === 0 ? config : copyOf(config);
  for (const { path, name } of relative) {
    let holder = root as Holder;
    for (const step of path.slice(0, -1)) {
      holder[step] = copyOf(holder[step]);
      holder = holder[step] as Holder;
    }
    holder[path.at(-1)!] = resolve(folder, name);
  }
  return root as T;
}

/** The relative names of files. The document need not be valid. */
export function relativeFiles(document: unknown): RelativeFile[] {
  return fileFields.flatMap(([pattern, kind]) =>
    fieldsAt(document, pattern.split('.')).flatMap(({ path, value: name }) => {
      if (typeof name !== 'string' || isAbsolute(name)) return [];
      return kind === 'pem' && name.startsWith(secretPrefix) ? [] : [{ path, name, kind }];
    }),
  );
}

/** Where a configuration names the text of a certificate, key or other secret: file or `secret:NAME`. */
export function pemPlaces(config: unknown): string[] {
  const pemFields = fileFields.filter(([, kind]) => kind === 'pem');
  return textsAt(
    config,
    pemFields.map(([pattern]) => pattern),
  );
}

/** Where it names those who sign the certificates of what is probed, each place once. */
export function probeAuthorityPlaces(config: unknown): string[] {
  return [...new Set(textsAt(config, probeAuthorities))];
}

function textsAt(config: unknown, patterns: readonly string[]): string[] {
  return patterns
    .flatMap((pattern) => fieldsAt(config, pattern.split('.')))
    .map(({ value }) => value)
    .filter((place) => typeof place === 'string');
}
