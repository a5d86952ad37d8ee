import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { servesData } from '../config/data-places.ts';
import type { Config } from '../config/schema/config.ts';
import type { KeyRing } from '../secrets/key-ring.ts';
import { stackNodes } from './plan/nodes.ts';
import type { StackLayout } from './state/layout.ts';
import { writeSealed } from './state/sealed-file.ts';
import { keepSealedSecret } from './state/secret.ts';

/**
 * Makes what services show to the data API, for those of which the configuration names none,
 * and gives it to every node that serves data. Later starts keep it.
 *
 * @returns the tokens made, by the name of the service
 */
export function keepDataTokens(
  config: Config,
  layout: StackLayout,
  ring: KeyRing,
): ReadonlyMap<string, string> {
  const tokens = new Map<string, string>();
  const nodes = stackNodes(config).filter(({ region }) => servesData(config, region));
  for (const [service, { token: named }] of Object.entries(config.data.tokens)) {
    if (named !== undefined || nodes.length === 0) continue;
    const token = keepSealedSecret(inFolder(layout.dataTokens, service), ring);
    tokens.set(service, token);
    for (const { region, name } of nodes) {
      const { directory } = layout.region(region).node(name);
      writeSealed(inFolder(directory, 'data', `${service}.token`), ring, `${token}\n`);
    }
  }
  return tokens;
}

function inFolder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return path;
}
