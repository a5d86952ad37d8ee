import type { Network } from '../network.ts';

/** Sorted networks that do not overlap, each with its ranking. The same index in all four. */
export interface CellList {
  /** First 32 bits of the network. */
  readonly high: Uint32Array;
  /** The 32 after them; 0 for IPv4. */
  readonly low: Uint32Array;
  readonly bits: Uint8Array;
  /** Into `MeasuredCells.rankings`. */
  readonly ranking: Uint32Array;
}

/**
 * Which region is nearest to the clients of which network, by their own measurements: all that
 * an answer depends on, and nothing more. Plain data, to be sent to threads.
 */
export interface MeasuredCells {
  /** Region names. */
  readonly regions: readonly string[];
  /** By region: 0 for the nearest, the same for equals, `unranked` where nothing is known. */
  readonly rankings: readonly Uint16Array[];
  readonly v4: CellList;
  readonly v6: CellList;
}

export const unranked = 0xffff;

/** One network of 64 bits or fewer, and the round trip to each region; NaN where none is known. */
export interface MeasuredNetwork extends Network {
  readonly latencyMs: readonly number[];
}

/** What `findCell` tells. */
export interface FoundCell {
  /** -1: the cell is a gap between networks. */
  readonly ranking: number;
  /** Length of the prefix around the address in which all this is so. */
  readonly prefixBits: number;
}

/**
 * Compiles networks that do not overlap. Neighbours that together are a network, and rank the
 * regions in the same way, become that one network: whatever regions are healthy, both get
 * the same answer, and resolvers need to cache only one.
 *
 *   20.1.2.0/24: eu 20, us 90 ─┐
 *   20.1.3.0/24: eu 24, us 81 ─┴▶ 20.1.2.0/23: eu, us
 */
export class CellBuilder {
  readonly #regions: readonly string[];
  readonly #rankings: Uint16Array[] = [];
  readonly #known = new Map<string, number>();
  readonly #v4: Cell[] = [];
  readonly #v6: Cell[] = [];

  constructor(regions: readonly string[]) {
    this.#regions = regions;
  }

  /** In ascending order of address, each family by itself. */
  add({ address, prefixBits, latencyMs }: MeasuredNetwork): void {
    const cells = address.length === 4 ? this.#v4 : this.#v6;
    const [high, low] = firstBits(address);
    let cell = { high, low, bits: prefixBits, ranking: this.#rank(latencyMs) };
    for (let left = cells.at(-1); left && isPair(left, cell); left = cells.at(-1)) {
      cells.pop();
      cell = { ...left, bits: left.bits - 1 };
    }
    cells.push(cell);
  }

  build(): MeasuredCells {
    const regions = this.#regions;
    return { regions, rankings: this.#rankings, v4: listOf(this.#v4), v6: listOf(this.#v6) };
  }

  #rank(latencyMs: readonly number[]): number {
    const known = latencyMs.filter((ms) => !Number.isNaN(ms));
    const order = [...new Set(known)].sort((a, b) => a - b);
    const place = new Map(order.map((ms, rank) => [ms, rank]));
    const ranks = latencyMs.map((ms) => place.get(ms) ?? unranked);
    const key = ranks.join();
    const number = this.#known.get(key) ?? this.#rankings.push(Uint16Array.from(ranks)) - 1;
    this.#known.set(key, number);
    return number;
  }
}

interface Cell {
  readonly high: number;
  readonly low: number;
  readonly bits: number;
  readonly ranking: number;
}

/** The two halves of one network. */
function isPair(left: Cell, right: Cell): boolean {
  if (left.bits !== right.bits || left.bits === 0 || left.ranking !== right.ranking) return false;
  return commonFirstBits(left.high, left.low, right.high, right.low) === left.bits - 1;
}

function listOf(cells: readonly Cell[]): CellList {
  return {
    high: Uint32Array.from(cells, ({ high }) => high),
    low: Uint32Array.from(cells, ({ low }) => low),
    bits: Uint8Array.from(cells, ({ bits }) => bits),
    ranking: Uint32Array.from(cells, ({ ranking }) => ranking),
  };
}

/** The cell around `address` (4 or 16 bytes), as a trie of the same networks would give it. */
export function findCell(cells: MeasuredCells, address: Uint8Array): FoundCell {
  const list = address.length === 4 ? cells.v4 : cells.v6;
  const [high, low] = firstBits(address);
  const at = lastAtOrBefore(list, high, low);
  const before = commonWith(list, at, high, low);
  if (at >= 0 && before >= list.bits[at]!) {
    return { ranking: list.ranking[at]!, prefixBits: list.bits[at]! };
  }
  // A gap reaches as far as no neighbour is in it: to one bit more than it shares with either.
  const prefixBits = Math.max(before, commonWith(list, at + 1, high, low)) + 1;
  return { ranking: -1, prefixBits };
}

function lastAtOrBefore({ high: highs, low: lows }: CellList, high: number, low: number): number {
  let from = 0;
  let to = highs.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const at = highs[middle]!;
    if (at < high || (at === high && lows[middle]! <= low)) from = middle + 1;
    else to = middle;
  }
  return from - 1;
}

/** -1: there is no such cell. */
function commonWith({ high: highs, low: lows }: CellList, at: number, high: number, low: number) {
  if (at < 0 || at >= highs.length) return -1;
  return commonFirstBits(highs[at]!, lows[at]!, high, low);
}

function commonFirstBits(high: number, low: number, otherHigh: number, otherLow: number): number {
  return high === otherHigh ? 32 + Math.clz32(low ^ otherLow) : Math.clz32(high ^ otherHigh);
}

function firstBits(address: Uint8Array): [high: number, low: number] {
  const low = address.length === 4 ? 0 : wordAt(address, 4);
  return [wordAt(address, 0), low];
}

function wordAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}
