import type { EndpointInfo } from '../../../config/topology.ts';
import { type BalanceKey, type Balancer, type EndpointLoads, isCandidate } from './balancer.ts';
import { rehash, unit } from './hash.ts';
import type { MaglevTable } from './maglev-table.ts';
import type { MaglevTables } from './maglev-tables.ts';
import type { RequestHash } from './request-key.ts';
import { warmth } from './slow-start.ts';

/** With half of the weight ejected, one key in 65,536 finds nobody in as many looks. */
const looks = 16;
const warmthSalt = 0x5eed;

/**
 * Requests with the same key go to the same endpoint, as long as it is there and not ejected.
 * The keys of one that is ejected spread over all others by weight, and come back to it:
 *
 *   hash of the key ──▶ slot ──▶ candidate? ── yes ─▶ it
 *        ▲                           │ no
 *        └──────── rehash ◀──────────┘
 *
 * In slow start it has its keys back one by one, each once and for good.
 */
export class ConsistentHash implements Balancer {
  readonly #endpoints: readonly EndpointInfo[];
  readonly #hash: RequestHash;
  readonly #slowStartMs: number;
  readonly #tables: MaglevTables;
  /** Made when it is first needed. */
  #table: MaglevTable | undefined;

  /** @param endpoints all with a weight > 0, addresses all different */
  constructor(
    endpoints: readonly EndpointInfo[],
    hash: RequestHash,
    slowStartMs: number,
    tables: MaglevTables,
  ) {
    this.#endpoints = endpoints.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    this.#hash = hash;
    this.#slowStartMs = slowStartMs;
    this.#tables = tables;
  }

  next(
    request: BalanceKey,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    if (this.#endpoints.length === 0) return undefined;
    this.#table ??= this.#tables.of(
      this.#endpoints.map((one) => ({ name: nameOf(one), weight: one.weight })),
    );
    const table = this.#table;
    const hash = this.#hash(request);
    for (let look = 0; look < looks; look++) {
      const endpoint = this.#endpoints[table.at(look === 0 ? hash : rehash(hash, look))]!;
      const { index } = endpoint;
      if (!isCandidate(index, loads, tried, anyState)) continue;
      const warm = warmth(index, loads, this.#slowStartMs);
      if (warm === 1 || unit(rehash(hash, warmthSalt)) < warm) return endpoint;
    }
    return this.#following(table.at(hash), loads, tried, anyState);
  }

  /** The first candidate from a position on, however cold. */
  #following(
    position: number,
    loads: EndpointLoads,
    tried: readonly number[],
    anyState: boolean,
  ): EndpointInfo | undefined {
    const count = this.#endpoints.length;
    for (let step = 0; step < count; step++) {
      const endpoint = this.#endpoints[(position + step) % count]!;
      if (isCandidate(endpoint.index, loads, tried, anyState)) return endpoint;
    }
    return undefined;
  }
}

function nameOf({ host, port }: EndpointInfo): string {
  return `${host}:${port}`;
}
