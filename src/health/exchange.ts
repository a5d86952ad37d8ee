import type { Clock, Timer } from '../base/clock.ts';
import type { FrameSender } from '../link/sender.ts';
import { between, nodesPerSide, rank, sends } from './rendezvous.ts';

/** The link of a node. */
export interface Peer {
  readonly region: string;
  readonly node: string;
  readonly host: string;
  readonly port: number;
}

export interface Peers {
  /** Name of the own node. */
  readonly node: string;
  /** The other nodes of the own region. */
  readonly siblings: readonly Peer[];
  /** The nodes of every other region, by its name; at least one each. */
  readonly regions: ReadonlyMap<string, readonly Peer[]>;
}

export interface ExchangeOptions {
  /** The own one. */
  readonly region: string;
  readonly clock: Clock;
  readonly openSender: (peer: Peer) => FrameSender;
  /** What to push now to siblings, and to other regions. */
  readonly nodeFrame: () => Buffer;
  readonly regionFrame: () => Buffer;
  /** Names of the nodes of the own region heard since a monotonic time, the own one included. */
  readonly heardSince: (sinceMs: number) => readonly string[];
}

const intervalMs = 500;
/** Changes that come together travel together. */
const coalesceMs = 5;
/**
 * A sibling silent for longer sends no more, and the next in rank takes its part: soon
 * enough that the other regions, which wait for at least 2 s, notice nothing. A mistake
 * costs some frames more.
 */
const absentAfterMs = 1_200;

/**
 * Pushes verdicts, on change and every 500 ms in any case: those of the node to its
 * siblings, those of the region to every other one, from two of its nodes to two of theirs.
 *
 *        region A                        region B
 *   ┌──────────────────┐            ┌──────────────────┐
 *   │ a1 ◀──▶ a2 ◀──▶ a3            │ b1 ◀──▶ b2 ◀──▶ b3     ◀──▶ verdicts of the node
 *   │ │        │       │            │ ▲▲ ───▶ ▲▲ ───▶ ◇      ──▶  verdicts of region A
 *   └─┼────────┼───────┘            └─┼┼──────┼┼───────┘
 *     ├────────┼──────────────────────┘│      ││
 *     └────────┼───────────────────────┼──────┘│      b1 and b2 pass on, as it came, what
 *              └───────────────────────┴───────┘      they get from A, to all their siblings
 *
 * Nobody elects anybody. Senders are the first two of the nodes of A that the sender itself
 * has heard of late; receivers are the first two, in the order of rank, whose connection
 * does not fail. Nodes that see it differently for a while make three senders, or two
 * others: a vector is whole, and one too many changes nothing. Between regions four frames
 * go per push, however many nodes they have.
 */
export class Exchange {
  readonly #options: ExchangeOptions;
  readonly #senders = new Map<string, FrameSender>();
  #peers: Peers = { node: '', siblings: [], regions: new Map() };
  #timer: Timer | undefined;
  #soon = false;
  #closed = false;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.#schedule(0);
  }

  /** Follows new peers; one whose address changed is connected anew. */
  update(peers: Peers): void {
    this.#peers = peers;
    this.#connect();
  }

  /** Connects everything anew: the own identity changed. */
  reconnect(): void {
    this.#keepOnly(new Set());
    this.#connect();
  }

  /** The vector changed. */
  changed(): void {
    if (this.#soon || this.#closed) return;
    this.#soon = true;
    this.#schedule(coalesceMs);
  }

  /** Tells the siblings what another region said; `topic`: who said it. */
  passOn(frame: Buffer, topic: string): void {
    for (const peer of this.#peers.siblings) this.#senders.get(keyOf(peer))?.send(frame, topic);
  }

  /** Tells other regions something besides, on the way of the verdicts of this region. */
  tellRegions(frame: Buffer, topic: string): void {
    for (const sender of this.#connect().receivers) sender.send(frame, topic);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#keepOnly(new Set());
  }

  #schedule(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(delayMs, () => this.#push());
  }

  #push(): void {
    this.#soon = false;
    this.#schedule(intervalMs);
    const { siblings, receivers } = this.#connect();
    const { nodeFrame, regionFrame } = this.#options;
    send(siblings, nodeFrame);
    send(receivers, regionFrame);
  }

  /** Has a sender to every node that is to be sent to now, and to no other. */
  #connect(): { siblings: FrameSender[]; receivers: FrameSender[] } {
    const { region, clock, heardSince } = this.#options;
    const { node, regions } = this.#peers;
    const live = heardSince(clock.monotonicMs() - absentAfterMs);
    const wanted = new Set<string>();
    const siblings = this.#peers.siblings.map((peer) => this.#senderTo(peer, wanted));
    const receivers = [...regions].flatMap(([to, peers]) =>
      sends(node, live, region, to) ? this.#receivers(to, peers, wanted) : [],
    );
    this.#keepOnly(wanted);
    return { siblings, receivers };
  }

  /** Those that fail are sent to as well: the next connection gets the newest frame. */
  #receivers(to: string, peers: readonly Peer[], wanted: Set<string>): FrameSender[] {
    const byName = new Map(peers.map((peer) => [peer.node, peer]));
    const chosen: FrameSender[] = [];
    let good = 0;
    for (const name of rank(byName.keys(), between(this.#options.region, to))) {
      const peer = byName.get(name);
      if (!peer || good === nodesPerSide) break;
      const sender = this.#senderTo(peer, wanted);
      const { connected, lastError } = sender.status();
      if (connected || lastError === undefined) good++;
      chosen.push(sender);
    }
    return chosen;
  }

  #senderTo(peer: Peer, wanted: Set<string>): FrameSender {
    const key = keyOf(peer);
    const sender = this.#senders.get(key) ?? this.#options.openSender(peer);
    this.#senders.set(key, sender);
    wanted.add(key);
    return sender;
  }

  #keepOnly(wanted: ReadonlySet<string>): void {
    for (const [key, sender] of this.#senders) {
      if (wanted.has(key)) continue;
      sender.close();
      this.#senders.delete(key);
    }
  }
}

const keyOf = ({ region, host, port }: Peer): string => `${region} ${host} ${port}`;

function send(senders: readonly FrameSender[], makeFrame: () => Buffer): void {
  if (senders.length === 0) return;
  const frame = makeFrame();
  for (const sender of senders) sender.send(frame);
}
