import { continentOf } from '../../config/areas.ts';
import type { Location } from '../../config/schema/region.ts';
import { countryCentres } from './country-centres.ts';

/** What is known of where in the world something is; empty text: nothing. */
export interface Area {
  /** `EU`; of the country, where it is known. */
  readonly continent: string;
  /** ISO 3166-1 alpha-2: `DE`. */
  readonly country: string;
  /** ISO 3166-2: `DE-BE`. Only city databases know it. */
  readonly subdivision: string;
}

export interface Place {
  readonly location: Location | undefined;
  readonly area: Area | undefined;
  readonly label: string;
}

/**
 * Reads a record of any of the usual schemas:
 *
 *   { country_code, latitude?, longitude? }                          ip-location-db
 *   { continent: { code }, country: { iso_code }, subdivisions?: [{ iso_code }, …],
 *     location?: { latitude, longitude } }                           MaxMind, DB-IP
 *
 * Coordinates are used where the record has them, else the centre of the country.
 */
export function placeOfRecord(record: object): Place {
  const country = fieldOf(record, 'country');
  const code = fieldOf(record, 'country_code') ?? (country && fieldOf(country, 'iso_code'));
  const exact = locationOf(fieldOf(record, 'location') ?? record);
  if (typeof code !== 'string') {
    const label = exact ? coordinates(exact) : 'no country in the database';
    return { location: exact, area: areaOf(record, ''), label };
  }
  const location = exact ?? countryCentres.get(code);
  const area = areaOf(record, code);
  const label = area?.subdivision || code;
  return { location, area, label: location ? label : `${code}, whose location is not known` };
}

/** The first subdivision is the largest: a state, not a district. */
function areaOf(record: object, country: string): Area | undefined {
  const continent = continentOf.get(country) ?? fieldOf(fieldOf(record, 'continent'), 'code');
  const subdivision = fieldOf(fieldOf(fieldOf(record, 'subdivisions'), '0'), 'iso_code');
  const known = typeof continent === 'string' ? continent : '';
  if (country === '')
    return known === '' ? undefined : { continent: known, country, subdivision: '' };
  const code = typeof subdivision === 'string' ? `${country}-${subdivision}` : '';
  return { continent: known, country, subdivision: code };
}

function locationOf(record: unknown): Location | undefined {
  const latitude = fieldOf(record, 'latitude');
  const longitude = fieldOf(record, 'longitude');
  if (!isDegrees(latitude, 90) || !isDegrees(longitude, 180)) return undefined;
  return { latitude, longitude };
}

function isDegrees(value: unknown, limit: number): value is number {
  return typeof value === 'number' && Math.abs(value) <= limit;
}

function coordinates({ latitude, longitude }: Location): string {
  return `${latitude.toFixed(1)}, ${longitude.toFixed(1)}`;
}

function fieldOf(record: unknown, name: string): unknown {
  return typeof record === 'object' && record !== null
    ? (record as Record<string, unknown>)[name]
    : undefined;
}
