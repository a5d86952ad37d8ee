import { messageOf } from '../../base/errors.ts';
import { encodeFrame, frameAgain } from '../../link/frames.ts';
import {
  type LatencyFrame,
  latencyFrameToJson,
  mostNetworks,
  parseLatencyFrame,
} from '../../steering/latency/latency-frame.ts';
import type { NetworkLatencies } from '../../steering/latency/network-latencies.ts';
import type { NetworkKey } from '../../steering/latency/report-intake.ts';

/** Ways to other nodes. `Health` has them. */
export interface Tellers {
  /** To the other nodes of the own region. */
  tellSiblings(frame: Buffer, topic: string): void;
  /** To a few nodes of each other region, where this node is to do so. */
  tellRegions(frame: Buffer, topic: string): void;
}

export interface LatencyExchangeOptions {
  readonly region: string;
  readonly node: string;
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  readonly latencies: NetworkLatencies;
  readonly tellers: Tellers;
}

/**
 * Tells other nodes what browsers told this one, as much at a time as a frame holds:
 *
 *   own networks ─┬─ those that changed, first         ─┐ a frame each time it is asked to,
 *                 └─ then all the others, in turns      ─┘ of 256 networks at most
 *
 *   node ─▶ siblings ─▶ other regions (those of them that push there) ─▶ siblings there
 *
 * A frame that is lost costs a turn: what is told are whole estimates, never changes. What a
 * node said before about a network is replaced.
 */
export class LatencyExchange {
  readonly #options: LatencyExchangeOptions;
  readonly #changed = new Set<NetworkKey>();
  #turn: Iterator<NetworkKey> = [].values();

  constructor(options: LatencyExchangeOptions) {
    this.#options = options;
  }

  changed(network: NetworkKey): void {
    this.#changed.add(network);
  }

  /** The next frame goes out, if there is anything to tell. */
  push(nowMs: number): void {
    const { region, node, tellers } = this.#options;
    const networks = this.#next();
    if (networks.length === 0) return;
    const frame = encodeFrame(latencyFrameToJson(this.#frame(networks), nowMs));
    tellers.tellSiblings(frame, topicOf(region, node));
    tellers.tellRegions(frame, topicOf(region, node));
  }

  /**
   * A frame that came from a node of `peerRegion`. A region speaks for itself; only what comes
   * from the own one may be what another region said.
   *
   * @returns what was wrong with it, a sentence; `undefined`: nothing was
   */
  receive(peerRegion: string, content: Uint8Array, nowMs: number): string | undefined {
    const { region: own, node, ipv4Prefix, ipv6Prefix, latencies, tellers } = this.#options;
    let frame: LatencyFrame;
    try {
      frame = parseLatencyFrame(JSON.parse(Buffer.from(content).toString()), nowMs);
    } catch (error) {
      return messageOf(error);
    }
    if (peerRegion !== own && frame.region !== peerRegion) return `it speaks for ${frame.region}`;
    if (frame.region === own && frame.node === node) return 'it speaks for this node';
    const topic = topicOf(frame.region, frame.node);
    if (peerRegion !== own) tellers.tellSiblings(frameAgain(content), topic);
    else if (frame.region === own) tellers.tellRegions(frameAgain(content), topic);
    // While a revision that changes them is under way, nodes have different ones.
    if (frame.ipv4Prefix !== ipv4Prefix || frame.ipv6Prefix !== ipv6Prefix) return undefined;
    for (const [network, estimates] of frame.networks) {
      latencies.take(`${frame.region}/${frame.node}`, network, estimates);
    }
    return undefined;
  }

  /** All that is known, for the disk: what this node knows by itself, and what others told it. */
  *everything(): Iterable<LatencyFrame> {
    const { region, node, latencies } = this.#options;
    const all = new Map<string, LatencyFrame['networks'][number][]>();
    const own = `${region}/${node}`;
    const put = (origin: string, entry: LatencyFrame['networks'][number]) => {
      const gathered = all.get(origin) ?? [];
      gathered.push(entry);
      const isFull = gathered.length === mostNetworks;
      if (isFull) all.delete(origin);
      else all.set(origin, gathered);
      return isFull ? [this.#frame(gathered, origin)] : [];
    };
    for (const network of latencies.keys()) {
      const estimates = latencies.own(network);
      if (estimates) yield* put(own, [network, estimates]);
    }
    for (const [network, origin, estimates] of latencies.heard()) {
      yield* put(origin, [network, estimates]);
    }
    for (const [origin, rest] of all) yield this.#frame(rest, origin);
  }

  #next(): LatencyFrame['networks'] {
    const { latencies } = this.#options;
    const networks = new Map<NetworkKey, LatencyFrame['networks'][number]>();
    const add = (network: NetworkKey) => {
      const estimates = latencies.own(network);
      if (estimates) networks.set(network, [network, estimates]);
    };
    for (const network of this.#changed) {
      if (networks.size >= mostNetworks) break;
      this.#changed.delete(network);
      add(network);
    }
    for (let looked = 0; looked < mostNetworks && networks.size < mostNetworks; looked++) {
      const { value, done } = this.#turn.next();
      if (done) {
        this.#turn = latencies.keys();
        break;
      }
      add(value);
    }
    return [...networks.values()];
  }

  #frame(networks: LatencyFrame['networks'], origin?: string): LatencyFrame {
    const { region, node, ipv4Prefix, ipv6Prefix } = this.#options;
    const [ofRegion = region, ofNode = node] = origin?.split('/') ?? [];
    return { region: ofRegion, node: ofNode, ipv4Prefix, ipv6Prefix, networks };
  }
}

/** One for each node, so that what waits is bounded. */
function topicOf(region: string, node: string): string {
  return `latency ${region}/${node}`;
}
