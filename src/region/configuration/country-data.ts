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
  /** Why it can tell nothing, a sentence; `undefined` when it can, or need not. */
  readonly trouble: string | undefined;
}

/**
 * Loads the database that the configuration names, or that of the optional package.
 *
 * @throws MeridianError `geo_database_unreadable` when the configured one cannot be read
 *   and `required` says that the node must not do without it.
 */
export async function loadCountryData(
  config: Config,
  region: string,
  { required, load = createLocator }: { required: boolean; load?: typeof createLocator },
): Promise<CountryData> {
  if (!servesTraffic(config, region)) return { locator: emptyLocator, trouble: undefined };
  try {
    const locator = await load(config.geo.database);
    const missing = `package ${defaultCountryPackage} is not installed`;
    return { locator, trouble: locator.source === undefined ? without(missing) : undefined };
  } catch (error) {
    if (required && config.geo.database !== undefined) throw error;
    return { locator: emptyLocator, trouble: without(messageOf(error)) };
  }
}

function without(why: string): string {
  return `no country data: clients are steered by measured latency and otherwise to the region whose name server they ask (${why})`;
}
