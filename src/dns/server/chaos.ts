import { parseName } from '../wire/name.ts';

const names = (...texts: string[]) => new Set(texts.map((text) => parseName(text).key));

const identifierNames: ReadonlySet<string> = names('id.server', 'hostname.bind');
const versionNames: ReadonlySet<string> = names('version.bind', 'version.server');

/**
 * What a question of class CHAOS asks of the server itself (RFC 4892). `version` is never told:
 * it helps nobody but who looks for a weakness.
 */
export function chaosSubject(name: string): 'identifier' | 'version' | undefined {
  if (identifierNames.has(name)) return 'identifier';
  return versionNames.has(name) ? 'version' : undefined;
}
