import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Reader, type Response } from 'mmdb-lib';
import { MeridianError, messageOf } from '../../base/errors.ts';
import type { Location } from '../../config/schema/region.ts';
import { assertWhole } from './mmdb-check.ts';
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

/** A database in memory that all threads of a node share. */
export interface GeoDatabase {
  readonly path: string;
  /** Of the file when it was read: another one after it was written or replaced. */
  readonly mark: string;
  readonly bytes: SharedArrayBuffer;
  /** As its maker calls it: `GeoLite2-City`. */
  readonly type: string;
  /** When its maker made it, since 1970. */
  readonly builtAtMs: number;
}

export interface Locator {
  /** The file that the data came from, or `undefined` when nothing can be located. */
  readonly source: string | undefined;
  /** What is looked up in; `undefined`: nothing. */
  readonly database?: GeoDatabase | undefined;
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

/** A city database has a tenth of it. */
const largestBytes = 2 ** 30;

/**
 * Reads a MaxMind DB file (country or city, of MaxMind, DB-IP or ip-location-db) into
 * memory. Without a path the optional country package is used, where it is installed;
 * else the result locates nothing.
 *
 * @param kept is given back where it is of that file, and the file is as it was
 * @throws MeridianError `geo_database_unreadable`
 */
export async function createLocator(
  databasePath: string | undefined,
  kept?: Locator,
): Promise<Locator> {
  const path = databasePath ?? findDefaultDatabase();
  if (path === undefined) return emptyLocator;
  try {
    return await readDatabase(path, kept);
  } catch (cause) {
    throw new MeridianError<GeoErrorCode>(
      'geo_database_unreadable',
      `cannot read the GeoIP database ${path}: ${messageOf(cause)}`,
      { cause, details: { path } },
    );
  }
}

async function readDatabase(path: string, kept: Locator | undefined): Promise<Locator> {
  await using file = await open(path);
  const { dev, ino, size, mtimeNs } = await file.stat({ bigint: true });
  const mark = `${dev} ${ino} ${size} ${mtimeNs}`;
  const { database } = kept ?? {};
  if (kept && database?.path === path && database.mark === mark) return kept;
  if (size > largestBytes) throw new Error(`${size} bytes are more than ${largestBytes}`);
  const bytes = new SharedArrayBuffer(Number(size));
  const buffer = Buffer.from(bytes);
  for (let at = 0; at < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, at, buffer.length - at, at);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    at += bytesRead;
  }
  const reader = new Reader(buffer, { cache: createRecordCache() });
  await assertWhole(buffer, reader);
  const { databaseType, buildEpoch } = reader.metadata;
  const builtAtMs = buildEpoch.getTime();
  if (!Number.isFinite(builtAtMs)) throw new Error('it does not say when it was made');
  const type = String(databaseType).slice(0, 64);
  return locatorOf(reader, { path, mark, bytes, type, builtAtMs });
}

/** For another thread of the node that read it. */
export function sharedLocator(database: GeoDatabase | undefined): Locator {
  if (!database) return emptyLocator;
  const reader = new Reader<Response>(Buffer.from(database.bytes), { cache: createRecordCache() });
  return locatorOf(reader, database);
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
function locatorOf(reader: Reader<Response>, database: GeoDatabase): Locator {
  const specialNetworks = createSpecialNetworks();
  const places = new WeakMap<object, Place>();
  return {
    source: database.path,
    database,
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
    const found = reader.getWithPrefixLength(textOf(address));
    return typeof found[0] === 'object' ? found : [null, found[1]];
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
