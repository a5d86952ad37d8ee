import type { Location } from '../../config/schema/region.ts';

/** What the database says about an address. */
export interface LocatedNetwork {
  /** `undefined`: the network is reserved, private or not in the database. */
  readonly location: Location | undefined;
  /** Length of the network around the address of which all this is true. */
  readonly prefixBits: number;
  /** For people: a country code, or why there is no location. */
  readonly label: string;
}

export interface Locator {
  /** Where the data came from, or `undefined` when nothing can be located. */
  readonly source: string | undefined;
  /** `address` has 4 or 16 bytes. `undefined`: this locator knows nothing about any address. */
  locate(address: Uint8Array): LocatedNetwork | undefined;
}
