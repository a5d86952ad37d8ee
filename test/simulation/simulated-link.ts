import type { FrameSender, LinkSenderStatus } from '../../src/link/sender.ts';
import { between } from './seeded-random.ts';
import type { SimulatedNode } from './simulated-node.ts';
import type { World } from './world.ts';

/** As `link/sender.ts`: limit for an acknowledgement, and the longest backoff. */
const stallMs = 2_000;
const longestBackoffMs = 1_000;
const retransmissionMs = 200;

/**
 * What `LinkSender` does, over simulated TCP: a frame is late rather than lost while the
 * connection stands; a cut or a new process at the other end breaks it, what was under way is
 * gone, and the newest frame is sent on the next connection.
 */
export class SimulatedLink implements FrameSender {
  readonly #world: World;
  readonly #from: SimulatedNode;
  readonly #to: SimulatedNode;
  /** Process at the other end; `undefined` while not connected. */
  #peerProcess: number | undefined;
  /** By topic. */
  readonly #newest = new Map<string, Buffer>();
  #lastError: string | undefined;
  #lastArrivalMs = 0;
  #closed = false;

  constructor(world: World, from: SimulatedNode, to: SimulatedNode) {
    this.#world = world;
    this.#from = from;
    this.#to = to;
    this.#connect();
  }

  send(frame: Buffer, topic = ''): void {
    this.#newest.set(topic, frame);
    if (this.#peerProcess !== undefined) this.#transmit();
  }

  status(): LinkSenderStatus {
    return { connected: this.#peerProcess !== undefined, lastError: this.#lastError };
  }

  close(): void {
    this.#closed = true;
    this.#newest.clear();
  }

  #connect(): void {
    const { scheduler, network, random } = this.#world;
    const handshakeMs = 4 * network.delayMs(this.#from.name, this.#to.name);
    scheduler.after(handshakeMs, () => {
      if (this.#closed) return;
      if (this.#from.paused) return this.#retry(0); // who stands still connects to nobody
      if (!this.#reachable()) return this.#retry(between(random, 0, stallMs));
      this.#peerProcess = this.#to.process;
      if (this.#newest.size > 0) this.#transmit();
    });
  }

  #retry(delayMs: number): void {
    const { scheduler, random } = this.#world;
    this.#peerProcess = undefined;
    this.#lastError = 'lost';
    const backoffMs = between(random, 25, longestBackoffMs);
    scheduler.after(delayMs + backoffMs, () => {
      if (!this.#closed) this.#connect();
    });
  }

  #transmit(): void {
    const { scheduler, network } = this.#world;
    if (this.#to.process !== this.#peerProcess || !this.#reachable()) {
      this.#retry(this.#to.running && this.#reachable() ? 0 : stallMs);
      return;
    }
    const frames = [...this.#newest.values()];
    for (const _ of frames) this.#world.countFrame(this.#from.region, this.#to.region);
    this.#newest.clear();
    let delayMs = network.delayMs(this.#from.name, this.#to.name) + network.spikeMs();
    for (let waitMs = retransmissionMs; waitMs < stallMs; waitMs *= 2) {
      if (!network.losesFrame(this.#from.name, this.#to.name)) break;
      delayMs += waitMs;
    }
    const process = this.#to.process;
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, scheduler.nowMs + delayMs);
    scheduler.after(this.#lastArrivalMs - scheduler.nowMs, () => {
      const passes = network.connected(this.#from.name, this.#to.name);
      if (!passes || this.#to.process !== process) return;
      for (const frame of frames) this.#to.receive(this.#from.region, frame);
    });
  }

  #reachable(): boolean {
    const { network } = this.#world;
    return this.#to.running && network.connected(this.#from.name, this.#to.name);
  }
}
