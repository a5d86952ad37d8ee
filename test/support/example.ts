import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadConfig } from '../../src/config/load.ts';
import { exampleConfig } from './stack.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** The worked example as written, as far as tests change it. */
export interface ExampleDocument {
  routes: object[];
  zones: { 'exchange.test': { ttl: string } };
  stack: { services: Record<string, { command: string[] }> };
  [section: string]: unknown;
}

/** A file with the worked example, changed. Its services run from where they are. */
export async function exampleWith(change: (document: ExampleDocument) => void): Promise<string> {
  const { input } = await loadConfig(exampleConfig);
  const document = structuredClone(input) as ExampleDocument;
  for (const service of Object.values(document.stack.services)) {
    const [program, script, ...args] = service.command as [string, string];
    service.command = [program, join(dirname(exampleConfig), script), ...args];
  }
  change(document);
  const path = join(await temporaryDirectory('example'), 'meridian.json');
  await writeFile(path, JSON.stringify(document));
  return path;
}
