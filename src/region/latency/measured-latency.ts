import { type Clock, systemClock, type Timer } from '../../base/clock.ts';
import { messageOf } from '../../base/errors.ts';
import { inSlices } from '../../base/steps.ts';
import type { Config } from '../../config/schema/config.ts';
import type { BeaconConfig } from '../../config/schema/latency.ts';
import type { Log } from '../../observability/log.ts';
import type { ReportedLatencies, ReportedLatency } from '../../steering/context.ts';
import type { MeasuredSource } from '../../steering/latency/client-latency.ts';
import { confidenceOf } from '../../steering/latency/estimate.ts';
import type { MeasuredCells } from '../../steering/latency/measured-cells.ts';
import { NetworkLatencies } from '../../steering/latency/network-latencies.ts';
import { networkKey, ReportIntake } from '../../steering/latency/report-intake.ts';
import type { ReportBatch } from '../data-plane/report-buffer.ts';
import { LatencyExchange, type Tellers } from './latency-exchange.ts';
import { LatencyFile } from './latency-file.ts';

export interface MeasuredLatencyOptions {
  readonly region: string;
  readonly node: string;
  /** The configuration that is served, asked each time. */
  readonly config: () => Config;
  readonly stateDirectory: string;
  readonly tellers: Tellers;
  /** What name servers are to steer by from now on. */
  readonly onCells: (cells: MeasuredCells | undefined) => void;
  readonly log: Log;
  readonly clock?: Clock;
}

export interface LatencyFigures {
  readonly accepted: number;
  /** By reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Held at the moment. */
  readonly networks: number;
  /** Those of them that are steered by; neighbours that rank alike count once. */
  readonly steeredBy: number;
  /** Since the newest report, of this node or another; `undefined`: there is none. */
  readonly ageSeconds: number | undefined;
}

/** For want of room, and of another node's frame, beside `reportRefusals` and `intakeRefusals`. */
export const otherRefusals = ['block_full', 'frame'] as const;

const tickMs = 1_000;
/** Frames to other nodes. */
const pushTicks = 5;
/** What is compiled ages, though nothing comes in. */
const compileTicks = 60;
const saveTicks = 60;
/** So much of its time the main thread gives to compiling, at most: one part in so many. */
const compileShare = 20;
/** How long a node waits for a part of a compilation, at most. */
const sliceMs = 2;

/** What stands and falls with the settings of the beacon. */
interface Measuring {
  readonly beacon: BeaconConfig;
  readonly key: string;
  readonly intake: ReportIntake;
  readonly latencies: NetworkLatencies;
  readonly exchange: LatencyExchange;
}

/**
 * Latencies that browsers measure, at one node:
 *
 *   gateway threads ─ reports ─▶ intake ─▶ latencies ─┬─ compiled ─▶ DNS threads
 *   other nodes ─ frames ──────────────────────▶      ├─ frames ───▶ other nodes
 *   the disk ─ at the start ───────────────────▶      └─ frames ───▶ the disk
 *
 * Nothing waits for it, and without it steering is by distance.
 */
export class MeasuredLatency implements MeasuredSource, ReportedLatencies {
  readonly #options: MeasuredLatencyOptions;
  readonly #clock: Clock;
  readonly #file: LatencyFile;
  readonly #refused = new Map<string, number>();
  #accepted = 0;
  #measuring: Measuring | undefined;
  #cells: MeasuredCells | undefined;
  #timer: Timer | undefined;
  #ticks = 0;
  #compiled = -1;
  #compileAgainMs = 0;
  #saved = -1;
  #busy: Promise<void> = Promise.resolve();
  #saveFails = false;
  #closed = false;

  constructor(options: MeasuredLatencyOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#file = new LatencyFile(options.stateDirectory, this.#clock);
  }

  get cells(): MeasuredCells | undefined {
    return this.#cells;
  }

  /** Takes up what is on the disk, and what comes in. Resolves after the former; never rejects. */
  start(): Promise<void> {
    this.#follow();
    this.#busy = this.#restore()
      .catch((error: unknown) => this.#warn('measured latencies were not found again', error))
      .finally(() => this.#schedule());
    return this.#busy;
  }

  receiveReports({ reports, refused }: ReportBatch): void {
    this.#follow();
    for (const [reason, times] of Object.entries(refused)) this.#refuse(reason, times);
    const measuring = this.#measuring;
    if (!measuring) return;
    const nowMs = this.#clock.monotonicMs();
    for (const { address, latencies } of reports) {
      const { network, source, refusal } = measuring.intake.admit(address, nowMs);
      if (network === undefined) this.#refuse(refusal);
      else if (!measuring.latencies.record(network, source, latencies, nowMs))
        this.#refuse('block_full');
      else {
        this.#accepted++;
        measuring.exchange.changed(network);
      }
    }
  }

  /** A frame of another node, for which `isLatencyFrame` holds. */
  receiveFrame(peerRegion: string, content: Uint8Array): void {
    this.#follow();
    const { exchange } = this.#measuring ?? {};
    const trouble = exchange?.receive(peerRegion, content, this.#clock.monotonicMs());
    if (trouble !== undefined) this.#refuse('frame');
  }

  find(address: Uint8Array, region: string): ReportedLatency | undefined {
    const { beacon, latencies } = this.#measuring ?? {};
    if (!beacon || !latencies) return undefined;
    const nowMs = this.#clock.monotonicMs();
    const estimate = latencies.estimate(keyOf(address, beacon), region, nowMs);
    if (!estimate) return undefined;
    const { medianMs, spreadMs, reports, atMs } = estimate;
    const confidence = confidenceOf(estimate, beacon.minimumReports);
    return {
      medianMs,
      spreadMs,
      reports,
      ageMs: nowMs - atMs,
      confidence: Math.round(confidence * 100) / 100,
    };
  }

  /** `undefined`: browsers measure nothing. */
  figures(): LatencyFigures | undefined {
    this.#follow();
    if (!this.#measuring) return undefined;
    const { latencies } = this.#measuring;
    const newestMs = latencies.newestMs();
    const { v4, v6 } = this.#cells ?? {};
    const age = newestMs === undefined ? undefined : this.#clock.monotonicMs() - newestMs;
    return {
      accepted: this.#accepted,
      refused: Object.fromEntries(this.#refused),
      networks: latencies.size,
      steeredBy: (v4?.bits.length ?? 0) + (v6?.bits.length ?? 0),
      ageSeconds: age === undefined ? undefined : Math.round(age / 1_000),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#busy;
    await this.#save();
  }

  #refuse(reason: string, times = 1): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + times);
  }

  /** Other prefixes, regions or bounds: what was known under the ones before is of no use. */
  #follow(): void {
    const { beacon } = this.#options.config().latency;
    if (beacon === this.#measuring?.beacon) return;
    const key = beacon && JSON.stringify(beacon);
    if (beacon && key === this.#measuring?.key) {
      this.#measuring = { ...this.#measuring!, beacon };
      return;
    }
    this.#measuring = beacon && this.#measuringBy(beacon, key!);
    this.#compiled = -1;
  }

  #measuringBy(beacon: BeaconConfig, key: string): Measuring {
    const { region, node, tellers } = this.#options;
    const { ipv4Prefix, ipv6Prefix, expiry: expiryMs, minimumReports, networks } = beacon;
    const latencies = new NetworkLatencies({
      regions: Object.keys(beacon.regions),
      ...{ ipv4Prefix, ipv6Prefix, minimumReports, networks },
      decay: { expiryMs, halfLifeMs: expiryMs / 4 },
    });
    const intake = new ReportIntake({ ...beacon, windowMs: beacon.window });
    const exchange = new LatencyExchange({
      ...{ region, node, ipv4Prefix, ipv6Prefix, latencies, tellers },
    });
    return { beacon, key, intake, latencies, exchange };
  }

  #schedule(): void {
    if (this.#closed) return;
    this.#timer = this.#clock.after(tickMs, () => {
      this.#busy = this.#tick()
        .catch((error: unknown) => this.#warn('measured latencies stand still', error))
        .finally(() => this.#schedule());
    });
  }

  async #tick(): Promise<void> {
    this.#ticks++;
    this.#follow();
    if (this.#ticks % pushTicks === 0) this.#measuring?.exchange.push(this.#clock.monotonicMs());
    await this.#compile();
    if (this.#ticks % saveTicks === 0) await this.#save();
  }

  async #compile(): Promise<void> {
    const { latencies } = this.#measuring ?? {};
    if (!latencies) {
      if (this.#cells) this.#publish(undefined);
      return;
    }
    const { version } = latencies;
    const nowMs = this.#clock.monotonicMs();
    if (version === this.#compiled && this.#ticks % compileTicks !== 0) return;
    if (this.#compiled >= 0 && nowMs < this.#compileAgainMs) return;
    this.#compiled = version;
    const cells = await inSlices(latencies.compile(nowMs), sliceMs);
    const endMs = this.#clock.monotonicMs();
    this.#compileAgainMs = endMs + compileShare * (endMs - nowMs);
    if (latencies === this.#measuring?.latencies) this.#publish(cells);
  }

  #publish(cells: MeasuredCells | undefined): void {
    this.#cells = cells;
    this.#options.onCells(cells);
  }

  async #restore(): Promise<void> {
    const { region, node } = this.#options;
    const { latencies, beacon } = this.#measuring ?? {};
    if (!latencies || !beacon) return;
    for await (const frame of this.#file.read()) {
      const { ipv4Prefix, ipv6Prefix } = frame;
      if (ipv4Prefix !== beacon.ipv4Prefix || ipv6Prefix !== beacon.ipv6Prefix) continue;
      const isOwn = frame.region === region && frame.node === node;
      const origin = `${frame.region}/${frame.node}`;
      for (const [network, estimates] of frame.networks) {
        if (isOwn) latencies.restore(network, estimates, this.#clock.monotonicMs());
        else latencies.take(origin, network, estimates);
      }
    }
    await this.#compile();
  }

  async #save(): Promise<void> {
    const { latencies, exchange } = this.#measuring ?? {};
    if (!latencies || !exchange || latencies.version === this.#saved) return;
    const { version } = latencies;
    try {
      await this.#file.write(exchange.everything());
      this.#saved = version;
      this.#saveFails = false;
    } catch (error) {
      if (!this.#saveFails) this.#warn('measured latencies cannot be kept', error);
      this.#saveFails = true;
    }
  }

  #warn(what: string, error: unknown): void {
    this.#options.log.warn(what, { reason: messageOf(error) });
  }
}

function keyOf(address: Uint8Array, { ipv4Prefix, ipv6Prefix }: BeaconConfig) {
  return networkKey(address, address.length === 4 ? ipv4Prefix : ipv6Prefix);
}
