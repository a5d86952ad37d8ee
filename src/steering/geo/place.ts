import type { Location } from '../../config/schema/region.ts';
import { countryCentres } from './country-centres.ts';

export interface Place {
  readonly location: Location | undefined;
  readonly label: string;
}

/**
 * Reads a record of any of the usual schemas:
 *
 *   { country_code, latitude?, longitude? }                          ip-location-db
 *   { country: { iso_code }, location?: { latitude, longitude } }    MaxMind, DB-IP
 *
 * Coordinates are used where the record has them, else the centre of the country.
 */
export function placeOfRecord(record: object): Place {
  const country = fieldOf(record, 'country');
  const code = fieldOf(record, 'country_code') ?? (country && fieldOf(country, 'iso_code'));
  const exact = locationOf(fieldOf(record, 'location') ?? record);
  if (typeof code !== 'string') {
    return { location: exact, label: exact ? coordinates(exact) : 'no country in the database' };
  }
  const location = exact ?? countryCentres.get(code);
  return { location, label: location ? code : `${code}, whose location is not known` };
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
