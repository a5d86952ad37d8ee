import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Reader, type Response } from 'mmdb-lib';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Location } from '../../config/schema/region.ts';
import { type Area, type Place, placeOfRecord } from './place.ts';
import { createSpecialNetworks } from './special-networks.ts';

/** What is known about an address. */
export interface LocatedNetwork {
  /** `undefined`: the network is reserved, private, or without an entry in the database. */
  readonly location: Location | undefined;
  /** Absent where not even the continent is known. */
  readonly area?: Area | undefined;
  /** Length of the network around the address of which all this is true. */
  readonly prefixBits: number;
  /** For people: a country code, or why there is no location. */
  readonly label: string;
}

export interface Locator {
  /** The file that the data came from, or `undefined` when nothing can be located. */
  readonly source: string | undefined;
  /** `address` has 4 or 16 bytes. `undefined`: this locator knows nothing about any address. */
  locate(address: Uint8Array): LocatedNetwork | undefined;
}

/** `geo_database_unreadable`: a database was named but cannot be read or is not an mmdb file. */
export type GeoErrorCode = 'geo_database_unreadable';

/** Optional dependency that is used when no database is named. */
export const defaultCountryPackage = '@ip-location-db/geo-whois-asn-country-mmdb';
const defaultFile = `${defaultCountryPackage}/geo-whois-asn-country.mmdb`;

/** For nodes without a database: steering goes by distance from the region that is asked. */
export const emptyLocator: Locator = { source: undefined, locate: () => undefined };

/**
 * Reads a MaxMind DB file (country or city, of MaxMind, DB-IP or ip-location-db) into
 * memory. Without a path the optional country package is used, where it is installed;
 * else the result locates nothing.
 *
 * @throws MeridianError `geo_database_unreadable`
 */
export async function createLocator(databasePath: string | undefined): Promise<Locator> {
  const path = databasePath ?? findDefaultDatabase();
  if (path === undefined) return emptyLocator;
  try {
    return locatorOf(new Reader(await readFile(path), { cache: createRecordCache() }), path);
  } catch (cause) {
    throw new MeridianError<GeoErrorCode>(
      'geo_database_unreadable',
      `cannot read the GeoIP database ${path}: ${messageOf(cause)}`,
      { cause, details: { path } },
    );
  }
}

function findDefaultDatabase(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(defaultFile);
  } catch {
    return undefined; // an optional dependency that is not installed
  }
}

/**
 * An address is first held against the special networks, then looked up. Both cut the
 * address space into cells; the answer is true in the smaller of the two around it.
 */
function locatorOf(reader: Reader<Response>, source: string): Locator {
  const specialNetworks = createSpecialNetworks();
  const places = new WeakMap<object, Place>();
  return {
    source,
    locate(address) {
      const special = specialNetworks.find(address);
      if (special.value !== undefined) {
        return { location: undefined, prefixBits: special.prefixBits, label: special.value };
      }
      const [record, matchedBits] = lookUp(reader, address);
      const prefixBits = Math.max(special.prefixBits, matchedBits);
      if (record === null) return { location: undefined, prefixBits, label: 'not in the database' };
      let place = places.get(record);
      if (place === undefined) {
        place = placeOfRecord(record);
        places.set(record, place);
      }
      return { ...place, prefixBits };
    },
  };
}

/** A damaged file must not take a query down: what cannot be decoded is not located. */
function lookUp(reader: Reader<Response>, address: Uint8Array): [Response | null, number] {
  if (address.length === 16 && reader.metadata.ipVersion === 4) return [null, 0];
  try {
    return reader.getWithPrefixLength(textOf(address));
  } catch {
    return [null, address.length * 8];
  }
}

function textOf(address: Uint8Array): string {
  if (address.length === 4) return address.join('.');
  let text = '';
  for (let byte = 0; byte < 16; byte += 2) {
    const group = ((address[byte] ?? 0) << 8) | (address[byte + 1] ?? 0);
    text += (byte === 0 ? '' : ':') + group.toString(16);
  }
  return text;
}

const recordCacheSize = 4096;

/** Decoded records by their offset in the file: all of a country file, part of a city file. */
function createRecordCache() {
  const records = new Map<string | number, object>();
  return {
    get: (offset: string | number) => records.get(offset),
    set(offset: string | number, record: object) {
      if (records.size >= recordCacheSize) records.clear();
      records.set(offset, record);
    },
  };
}
