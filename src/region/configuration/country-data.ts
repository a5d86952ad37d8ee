import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../config/schema/config.ts';
import {
  createLocator,
  defaultCountryPackage,
  emptyLocator,
  type Locator,
} from '../../steering/geo/locator.ts';
import { servesTraffic } from '../data-plane/listeners.ts';

/** Where clients are, as far as the node can tell. */
export interface CountryData {
  readonly locator: Locator;
  /** Why it can tell nothing, or nothing newer, a sentence; `undefined` when it can, or need not. */
  readonly trouble: string | undefined;
}

export interface CountryDataOptions {
  /** Whether the node must not do without the database that is configured. */
  readonly required: boolean;
  /** What is in use. Of the same file, it goes on where that is damaged. */
  readonly kept?: Locator | undefined;
  readonly load?: typeof createLocator;
}

/**
 * Loads the database that the configuration names, or that of the optional package; not again
 * while the file is as it was.
 *
 * @throws MeridianError `geo_database_unreadable` when the configured one cannot be read,
 *   nothing of it is in use, and it is `required`.
 */
export async function loadCountryData(
  config: Config,
  region: string,
  { required, kept, load = createLocator }: CountryDataOptions,
): Promise<CountryData> {
  if (!servesTraffic(config, region)) return { locator: emptyLocator, trouble: undefined };
  const { database } = config.geo;
  try {
    const locator = await load(database, kept);
    const missing = `package ${defaultCountryPackage} is not installed`;
    return { locator, trouble: locator.source === undefined ? without(missing) : undefined };
  } catch (error) {
    if (kept && kept.source !== undefined && kept.source === database) {
      return { locator: kept, trouble: `${messageOf(error)}; ${inUse(kept)}` };
    }
    if (required && database !== undefined) throw error;
    return { locator: emptyLocator, trouble: without(messageOf(error)) };
  }
}

function inUse({ database }: Locator): string {
  const day = database && new Date(database.builtAtMs).toISOString().slice(0, 10);
  return `what it held before${day === undefined ? '' : `, of ${day},`} stays in use`;
}

/** Files to look at besides the configuration. */
export function countryFiles({ geo }: Pick<Config, 'geo'>): string[] {
  return geo.database === undefined ? [] : [geo.database];
}

function without(why: string): string {
  return `no country data: clients are steered by measured latency and otherwise to the region whose name server they ask (${why})`;
}
