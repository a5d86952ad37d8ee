import { messageOf } from '../../base/errors.ts';
import { checkDoubts, dataDoubts } from '../../config/check-doubts.ts';
import { overwriteRegisters } from '../../secrets/core-dumps.ts';
import type { KeyRing } from '../../secrets/key-ring.ts';
import type { Locator } from '../../steering/geo/locator.ts';
import { findOwnNode } from '../own-node.ts';
import type { Accepted, Configuration } from './configuration.ts';
import { loadCountryData } from './country-data.ts';
import { loadMaterial, type Material } from './material.ts';

export interface AssemblyContext {
  readonly region: string;
  /** `undefined`: the only one of the region. */
  readonly node: string | undefined;
  readonly stateDirectory: string;
  readonly ring: KeyRing | undefined;
}

export interface AssemblyOptions {
  /** For messages: a file, `revision 12`, `the snapshot …`. */
  readonly place: string;
  /** Keys to go on with where the present ones cannot be read: those of the snapshot. */
  readonly keptMaterial?: Material | undefined;
  /** Whether a GeoIP database that is configured and cannot be read is a refusal. */
  readonly geoRequired: boolean;
  /** The one in use, to go on with where its file is as it was, or is damaged. */
  readonly keptLocator?: Locator | undefined;
  readonly degraded?: readonly string[];
  /** As that of `Configuration`. */
  readonly fileRefused?: string | undefined;
}

/**
 * Opens what a configuration needs from elsewhere: certificates, keys, country data.
 *
 * @throws MeridianError that names what is missing or wrong, and where.
 */
export async function assemble(
  accepted: Accepted,
  context: AssemblyContext,
  { place, keptMaterial, geoRequired, keptLocator, degraded = [], fileRefused }: AssemblyOptions,
): Promise<Configuration> {
  const { config } = accepted;
  const { region, stateDirectory, ring } = context;
  const own = findOwnNode(config, region, context.node, place);
  const troubles = [...degraded];
  const { material, doubts } = await loadMaterial(config, region, stateDirectory, {
    ring,
    secrets: accepted.secrets,
  }).catch((error: unknown) => {
    if (!keptMaterial) throw error;
    troubles.push(`${keptSentence}: ${messageOf(error)}`);
    return { material: keptMaterial, doubts: [] };
  });
  overwriteRegisters();
  troubles.push(...doubts, ...checkDoubts(config), ...dataDoubts(config));
  const complete = keptMaterial ? withKept(material, keptMaterial, troubles) : material;
  const { locator, trouble } = await loadCountryData(config, region, {
    required: geoRequired,
    kept: keptLocator,
  });
  if (trouble !== undefined) troubles.push(trouble);
  return { ...accepted, own, material: complete, locator, degraded: troubles, fileRefused };
}

const keptSentence = 'serving with the keys of the snapshot';

/** What a stack puts into the state directory may be gone from there. */
function withKept(material: Material, kept: Material, troubles: string[]): Material {
  const { https } = kept.listeners;
  const listeners =
    https && !material.listeners.https ? { https, ...material.listeners } : material.listeners;
  const identity = material.identity ?? kept.identity;
  if (listeners !== material.listeners) troubles.push(`${keptSentence} for HTTPS`);
  if (identity !== material.identity) troubles.push(`${keptSentence} for the inter-region link`);
  return { ...material, listeners, identity };
}
