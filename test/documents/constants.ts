import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/** The value of a constant that only its own file knows: `500_000`, `7 * daySeconds`. */
export function constantIn(path: string, name: string): string {
  const text = readFileSync(join(root, path), 'utf8');
  const [, value] = new RegExp(`^const ${name} = (.+);$`, 'm').exec(text) ?? [];
  if (value === undefined) throw new Error(`${path} has no constant ${name}`);
  return value;
}
