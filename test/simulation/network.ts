import { between } from './seeded-random.ts';

/** Of two nodes of one region. */
const localDelayMs = 0.5;

/**
 * The packets between nodes: delayed, lost, or cut off. Nodes go by their names in the
 * world, `REGION` or `REGION.NODE`.
 */
export class Network {
  readonly #random: () => number;
  readonly #delaysMs = new Map<string, Map<string, number>>();
  readonly #cut = new Set<string>();
  /** Share of the packets sent by the probes and the link of a node that vanish. */
  readonly #loss = new Map<string, number>();
  /** Share of the packets of every link that vanish. */
  #frameLoss = 0;
  #spikes: { share: number; upToMs: number } | undefined;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** One way, with up to 20 % jitter. Fixed per pair of regions: 1 to 120 ms. */
  delayMs(from: string, to: string): number {
    const base = this.#delaysMs.get(from)?.get(to) ?? this.#drawDelay(from, to);
    return base * between(this.#random, 1, 1.2);
  }

  #drawDelay(from: string, to: string): number {
    let base = localDelayMs;
    if (from === to) base = 0.2;
    else if (regionOf(from) !== regionOf(to)) base = between(this.#random, 1, 120);
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      const delays = this.#delaysMs.get(one) ?? new Map<string, number>();
      this.#delaysMs.set(one, delays.set(other, base));
    }
    return base;
  }

  /** Whether packets pass both ways: a connection needs both. */
  connected(a: string, b: string): boolean {
    if (a === b || this.#cut.size === 0) return true;
    return !(this.#cut.has(`${a}>${b}`) || this.#cut.has(`${b}>${a}`));
  }

  /** Everything from `from` to `to` vanishes, and nothing tells. */
  cut(from: string, to: string): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
    this.#loss.clear();
    this.#spikes = undefined;
    this.#frameLoss = 0;
  }

  setFrameLoss(share: number): void {
    this.#frameLoss = share;
  }

  setLoss(region: string, share: number): void {
    this.#loss.set(region, share);
  }

  /** From now on this share of the frames is late by up to `upToMs`. */
  setSpikes(share: number, upToMs: number): void {
    this.#spikes = { share, upToMs };
  }

  /** By how much the next frame is late. */
  spikeMs(): number {
    if (!this.#spikes || this.#random() >= this.#spikes.share) return 0;
    return between(this.#random, 0, this.#spikes.upToMs);
  }

  /** Share of the packets sent by that node as an observer that vanish. */
  lossOf(name: string): number {
    return this.#loss.get(name) ?? 0;
  }

  /** Whether the next packet that `from` sends as an observer to `to` vanishes. */
  loses(from: string, to: string): boolean {
    const share = this.#loss.get(from);
    return share !== undefined && from !== to && this.#random() < share;
  }

  /** Whether the next packet of the link from `from` to `to` vanishes. */
  losesFrame(from: string, to: string): boolean {
    return this.loses(from, to) || (this.#frameLoss > 0 && this.#random() < this.#frameLoss);
  }
}

const regionOf = (name: string): string => name.split('.')[0] ?? name;
