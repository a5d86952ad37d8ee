import { randomBytes } from 'node:crypto';
import type { Steps } from '../../base/steps.ts';
import {
  combine,
  type Decay,
  type Estimate,
  estimateOf,
  isBelieved,
  type Sample,
  unexpired,
  type WeighedEstimate,
} from './estimate.ts';
import { CellBuilder, type MeasuredCells } from './measured-cells.ts';
import { addressOfKey, type NetworkKey, numberOf, sourceBits } from './report-intake.ts';

/** By region name. */
export type Estimates = ReadonlyMap<string, Estimate>;

export interface NetworkLatenciesOptions {
  /** Regions that are measured. What is told of others is left aside. */
  readonly regions: readonly string[];
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  readonly decay: Decay;
  readonly minimumReports: number;
  /** How many networks are held at most. */
  readonly networks: number;
}

/** Of a network to a region, and of each origin too: the newest take the place of the oldest. */
const mostSamples = 15;
/** Nodes that have something to say of one network; others of them have moved on. */
const mostOrigins = 8;
/** Of all networks so many may be of one IPv6 block (/32): one customer can have all of one. */
const blockShare = 1 / 16;
const leastPerBlock = 64;
const blockDigits = 8;
const networksPerStep = 64;

/** `source`: number of the client; `undefined`: from before a restart, of one that is not known. */
interface KeptSample extends Sample {
  readonly source: number | undefined;
}

interface Held {
  /** By region; of one client one. */
  readonly samples: Map<string, KeptSample[]>;
  /** By which the numbers of clients are made: forgotten with them. */
  key: Uint8Array | undefined;
  own: Estimates;
  /** Of `samples`: with it `own` is over. */
  oldestMs: number;
  /** By the name of the node that said so. */
  readonly others: Map<string, Estimates>;
}

/**
 * What is known of the round trips from client networks: the samples that this node took in,
 * and what other nodes made of theirs.
 *
 *   network ─┬─ own:     region ─▶ up to 15 samples ─▶ estimate ─┐
 *            └─ others:  node ─▶ region ─▶ estimate ─────────────┴─▶ combined
 *
 * Bounded: for a network too many, that which was heard of longest ago is forgotten.
 */
export class NetworkLatencies {
  readonly #options: NetworkLatenciesOptions;
  readonly #known: ReadonlySet<string>;
  /** The one heard of last comes last. */
  readonly #held = new Map<NetworkKey, Held>();
  /** By /32 of IPv6. */
  readonly #blocks = new Map<string, number>();
  #version = 0;
  #newestMs = Number.NEGATIVE_INFINITY;

  constructor(options: NetworkLatenciesOptions) {
    this.#options = options;
    this.#known = new Set(options.regions);
  }

  /** Changes with what is held. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#held.size;
  }

  keys(): MapIterator<NetworkKey> {
    return this.#held.keys();
  }

  /** False: there is no room, since one block has too many already. */
  record(
    network: NetworkKey,
    source: Uint8Array,
    latencies: Iterable<readonly [string, number]>,
    nowMs: number,
  ): boolean {
    const held = this.#touch(network);
    if (!held) return false;
    held.key ??= randomBytes(16);
    const sample = { source: numberOf(source, held.key), atMs: nowMs };
    for (const [region, ms] of latencies) {
      if (this.#known.has(region)) this.#sample(held, region, { ...sample, ms });
    }
    this.#newestMs = Math.max(this.#newestMs, nowMs);
    this.#estimate(held, nowMs);
    return true;
  }

  /** What this node knew before it was started again: samples that give the same estimate. */
  restore(network: NetworkKey, estimates: Estimates, nowMs: number): void {
    const held = this.#touch(network);
    if (!held) return;
    for (const [region, { medianMs, spreadMs, reports, atMs }] of estimates) {
      if (!this.#known.has(region)) continue;
      this.#newestMs = Math.max(this.#newestMs, atMs);
      const places = [medianMs, Math.max(0.1, medianMs - spreadMs), medianMs + spreadMs];
      const known = held.samples.get(region) ?? [];
      for (let at = known.length; at < Math.min(mostSamples, reports); at++) {
        known.push({ ms: places[at % places.length]!, atMs, source: undefined });
      }
      if (known.length > 0) held.samples.set(region, known);
    }
    this.#estimate(held, nowMs);
  }

  /** What another node knows now; it takes the place of what it said before. */
  take(origin: string, network: NetworkKey, estimates: Estimates): boolean {
    const held = this.#touch(network);
    if (!held) return false;
    held.others.delete(origin);
    const known = new Map([...estimates].filter(([region]) => this.#known.has(region)));
    held.others.set(origin, known);
    for (const { atMs } of known.values()) this.#newestMs = Math.max(this.#newestMs, atMs);
    const [oldest] = held.others.keys();
    if (held.others.size > mostOrigins) held.others.delete(oldest!);
    return true;
  }

  /** What this node has to tell of a network. */
  own(network: NetworkKey): Estimates | undefined {
    const own = this.#held.get(network)?.own;
    return own && own.size > 0 ? own : undefined;
  }

  /** What others told, by network and node; to be kept on disk. */
  *heard(): Iterable<readonly [network: NetworkKey, origin: string, Estimates]> {
    for (const [network, { others }] of this.#held) {
      for (const [origin, estimates] of others) yield [network, origin, estimates];
    }
  }

  /** Of all nodes together. */
  estimate(network: NetworkKey, region: string, nowMs: number): WeighedEstimate | undefined {
    const held = this.#held.get(network);
    return held && this.#combined(held, region, nowMs);
  }

  /** Whether an estimate of a network is steered by. One that has fewer clients needs them all. */
  believes(network: NetworkKey, estimate: Estimate | undefined): estimate is Estimate {
    const { ipv4Prefix, ipv6Prefix, minimumReports } = this.#options;
    const clients = 2 ** (network.length === 8 ? 32 - ipv4Prefix : sourceBits - ipv6Prefix);
    return estimate !== undefined && isBelieved(estimate, Math.min(minimumReports, clients));
  }

  /** Of the report that came in last, here or, about, at another node; `undefined`: none is left. */
  newestMs(): number | undefined {
    return this.size > 0 && Number.isFinite(this.#newestMs) ? this.#newestMs : undefined;
  }

  /** Forgets what has expired, and compiles what is believed of the rest. */
  *compile(nowMs: number): Steps<MeasuredCells> {
    const { regions, ipv4Prefix, ipv6Prefix } = this.#options;
    const builder = new CellBuilder(regions);
    const networks = [...this.#held.keys()].sort();
    for (const [at, network] of networks.entries()) {
      if (at % networksPerStep === 0) yield;
      const held = this.#held.get(network);
      if (!held) continue; // given up since, for a newer one
      const known = regions.map((region) => this.#combined(held, region, nowMs));
      if (known.every((estimate) => estimate === undefined)) {
        this.#forget(network);
        continue;
      }
      const latencyMs = known.map((estimate) =>
        this.believes(network, estimate) ? Math.round(estimate.medianMs) : Number.NaN,
      );
      if (latencyMs.filter((ms) => !Number.isNaN(ms)).length < 2) continue;
      const prefixBits = network.length === 8 ? ipv4Prefix : ipv6Prefix;
      builder.add({ address: addressOfKey(network), prefixBits, latencyMs });
    }
    return builder.build();
  }

  #combined(held: Held, region: string, nowMs: number): WeighedEstimate | undefined {
    if (nowMs - held.oldestMs > this.#options.decay.expiryMs) this.#estimate(held, nowMs);
    const estimates: Estimate[] = [];
    for (const of of [held.own, ...held.others.values()]) {
      const estimate = of.get(region);
      if (estimate) estimates.push(estimate);
    }
    return combine(estimates, nowMs, this.#options.decay);
  }

  /** In place of what the same client said before, which of one that is not known may be any. */
  #sample({ samples }: Held, region: string, sample: KeptSample): void {
    const known = samples.get(region) ?? [];
    let at = known.findIndex(({ source }) => source === sample.source);
    if (at < 0) at = known.findIndex(({ source }) => source === undefined);
    if (at >= 0) known.splice(at, 1);
    else if (known.length >= mostSamples) known.shift();
    known.push(sample);
    samples.set(region, known);
  }

  #estimate(held: Held, nowMs: number): void {
    const { decay } = this.#options;
    const own = new Map<string, Estimate>();
    held.oldestMs = Number.POSITIVE_INFINITY;
    for (const [region, samples] of held.samples) {
      const fresh = unexpired(samples, nowMs, decay);
      const estimate = estimateOf(fresh, decay);
      if (!estimate) {
        held.samples.delete(region);
        continue;
      }
      held.samples.set(region, fresh);
      own.set(region, estimate);
      held.oldestMs = Math.min(held.oldestMs, ...fresh.map(({ atMs }) => atMs));
    }
    held.own = own;
  }

  #touch(network: NetworkKey): Held | undefined {
    let held = this.#held.get(network);
    if (!held) {
      if (!this.#hasRoom(network)) return undefined;
      const oldestMs = Number.POSITIVE_INFINITY;
      held = { samples: new Map(), key: undefined, own: new Map(), oldestMs, others: new Map() };
      this.#countBlock(network, 1);
    } else this.#held.delete(network);
    this.#held.set(network, held);
    this.#version++;
    const [oldest] = this.#held.keys();
    if (this.#held.size > this.#options.networks) this.#forget(oldest!);
    return held;
  }

  #hasRoom(network: NetworkKey): boolean {
    const most = Math.max(leastPerBlock, this.#options.networks * blockShare);
    return (this.#blocks.get(blockOf(network) ?? '') ?? 0) < most;
  }

  #forget(network: NetworkKey): void {
    if (!this.#held.delete(network)) return;
    this.#countBlock(network, -1);
    this.#version++;
  }

  #countBlock(network: NetworkKey, by: 1 | -1): void {
    const block = blockOf(network);
    if (block === undefined) return;
    const count = (this.#blocks.get(block) ?? 0) + by;
    if (count > 0) this.#blocks.set(block, count);
    else this.#blocks.delete(block);
  }
}

/** `undefined`: of IPv4. */
function blockOf(network: NetworkKey): string | undefined {
  return network.length === 8 ? undefined : network.slice(0, blockDigits);
}
