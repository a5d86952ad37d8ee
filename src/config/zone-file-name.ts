import { posix } from 'node:path';

/**
 * The name in an `$INCLUDE`, made plain: relative to the folder of the zone's first file,
 * with `/`. `undefined`: it leads out of that folder, or is no name.
 */
export function includedFileName(text: string): string | undefined {
  if (text === '' || text.includes('\0') || text.includes('\\') || posix.isAbsolute(text)) {
    return undefined;
  }
  const name = posix.normalize(text);
  return name === '.' || name === '..' || name.startsWith('../') || name.endsWith('/')
    ? undefined
    : name;
}
