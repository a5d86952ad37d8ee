import { InvalidArgumentError } from 'commander';
import { nearestName } from '../config/nearest-name.ts';

/** All regions that no wave names. */
const rest = 'rest';

/** `--wave us+eu,ap,rest` → names by wave; more of them after those before it. */
export function collectWaves(text: string, before: readonly string[][] = []): string[][] {
  const waves = text.split(/[,;]/).map((wave) => wave.split('+').map((name) => name.trim()));
  if (waves.flat().every((name) => name !== '')) return [...before, ...waves];
  throw new InvalidArgumentError('Expected names of regions, such as eu-west-1,rest.');
}

/**
 * The waves as regions, together all, each once.
 *
 * @throws InvalidArgumentError that names what is unknown, named twice or left out
 */
export function resolveWaves(waves: readonly string[][], regions: readonly string[]): string[][] {
  const named = waves.flat();
  for (const [index, name] of named.entries()) {
    if (name !== rest && !regions.includes(name)) refuseUnknown(name, regions);
    if (named.indexOf(name) === index) continue;
    throw new InvalidArgumentError(`--wave names ${name} twice`);
  }
  const others = regions.filter((region) => !named.includes(region));
  if (!named.includes(rest) && others.length > 0) {
    const advice = `add ",${rest}" for all others`;
    throw new InvalidArgumentError(`--wave leaves out ${others.join(', ')}: ${advice}`);
  }
  return waves
    .map((wave) => wave.flatMap((name) => (name === rest ? others : name)))
    .filter((wave) => wave.length > 0);
}

function refuseUnknown(name: string, regions: readonly string[]): never {
  const meant = nearestName(name, [...regions, rest]);
  const hint =
    meant === undefined ? `, it has: ${regions.join(', ')}` : `; did you mean "${meant}"?`;
  throw new InvalidArgumentError(`--wave: the configuration has no region "${name}"${hint}`);
}
