import type { Clock } from '../../src/base/clock.ts';
import { Health } from '../../src/health/health.ts';
import type { Probe } from '../../src/health/prober.ts';
import type { SavedHealth } from '../../src/health/saved-state.ts';
import type { HealthChange } from '../../src/health/status.ts';
import { HealthTable } from '../../src/health/table.ts';
import { SimulatedLink } from './simulated-link.ts';
import type { World } from './world.ts';

/** Frames that wait for a process that stands still: the window of the sender. */
const keptFrames = 4;
const frameHeaderBytes = 4;

/**
 * One node: its gateway, the service at its address, and its real `Health` over simulated
 * time, probes and link.
 */
export class SimulatedNode {
  readonly region: string;
  /** In its region. */
  readonly node: string;
  /** In the world: that of the region, where it is the only one there. */
  readonly name: string;
  readonly address: string;
  /** What serves: apart from the node's main thread, which may stand still by itself. */
  gateway: 'serving' | 'frozen' | 'dead' = 'dead';
  /** Whether other regions reach the gateway; the link has ways of its own. */
  published = true;
  serviceAlive = true;
  /** Rises with every start. */
  process = 0;
  health: Health | undefined;
  table: HealthTable | undefined;
  readonly #world: World;
  #wallOffsetMs = 1_700_000_000_000;
  #paused = false;
  #saved: { state: SavedHealth; wallMs: number } | undefined;
  #sleptMs = 0;
  #asleepSinceMs: number | undefined;
  #heldTimers: (() => void)[] = [];
  #heldInput: (() => void)[] = [];

  constructor(
    world: World,
    { region, node, address }: { region: string; node: string; address: string },
  ) {
    const only = world.config.regions[region]?.nodes === undefined;
    this.#world = world;
    this.region = region;
    this.node = node;
    this.name = only ? region : `${region}.${node}`;
    this.address = address;
  }

  get running(): boolean {
    return this.health !== undefined;
  }

  /** Starts a new process, with what the last one saved unless `fromNothing`. */
  start({ fromNothing = false } = {}): void {
    const { config, topology } = this.#world;
    const process = ++this.process;
    const clock = this.#clock(process);
    const table = new HealthTable(topology);
    const saved = fromNothing ? undefined : this.#saved;
    this.gateway = 'serving';
    this.table = table;
    this.health = new Health({
      config,
      topology,
      table,
      region: this.region,
      node: this.node,
      clock,
      random: this.#world.random,
      probe: this.#probe(clock, process),
      openSender: (peer) => new SimulatedLink(this.#world, this, this.#world.nodeAt(peer.host)),
      restored: saved && { state: saved.state, ageMs: Math.max(0, clock.wallMs() - saved.wallMs) },
      onChange: (change: HealthChange) => this.#world.record(this, change),
    });
    this.#world.observer?.started(this, saved?.state);
    this.health.start();
    const save = (): void => {
      this.save();
      clock.after(2_000, save);
    };
    clock.after(2_000, save);
  }

  /** As the node does every two seconds. */
  save(): void {
    if (!this.health) return;
    const state = JSON.parse(JSON.stringify(this.health.exportState())) as SavedHealth;
    this.#saved = { state, wallMs: this.#wallOffsetMs + this.#world.scheduler.nowMs };
  }

  /** SIGKILL. */
  kill(): void {
    this.health?.close();
    this.health = undefined;
    this.gateway = 'dead';
    this.#paused = false;
    this.#asleepSinceMs = undefined;
    this.#heldTimers = [];
    this.#heldInput = [];
    this.process++;
  }

  /** SIGSTOP: from outside a black hole that still accepts connections. */
  freeze(): void {
    this.gateway = 'frozen';
    this.pause();
  }

  thaw(): void {
    this.gateway = 'serving';
    this.resume();
  }

  /** The machine sleeps: its monotonic clock stands still, its wall clock does not. */
  sleep(): void {
    this.#asleepSinceMs = this.#world.scheduler.nowMs;
    this.freeze();
  }

  /** Ends that, and any other stand-still. */
  wake(): void {
    const { nowMs } = this.#world.scheduler;
    this.#sleptMs += nowMs - (this.#asleepSinceMs ?? nowMs);
    this.#asleepSinceMs = undefined;
    this.thaw();
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The main thread stands still; the gateway threads serve on. */
  pause(): void {
    this.#paused = true;
  }

  /** As in an event loop: first every timer that is due, then the input that waits. */
  resume(): void {
    this.#paused = false;
    const held = [...this.#heldTimers, ...this.#heldInput];
    this.#heldTimers = [];
    this.#heldInput = [];
    for (const run of held) run();
  }

  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  receive(fromRegion: string, frame: Buffer): void {
    const process = this.process;
    const take = (): void => {
      if (process !== this.process) return;
      this.#world.observer?.heard(this, fromRegion);
      this.health?.receiveFrame(fromRegion, frame.subarray(frameHeaderBytes));
    };
    if (!this.#paused) take();
    else if (this.gateway !== 'frozen' || this.#heldInput.length < keptFrames) {
      this.#heldInput.push(take);
    }
  }

  #clock(process: number): Clock {
    const { scheduler } = this.#world;
    return {
      wallMs: () => this.#wallOffsetMs + scheduler.nowMs,
      monotonicMs: () => scheduler.nowMs - this.#sleptMs,
      after: (delayMs, run) => {
        let cancelled = false;
        const fire = (): void => {
          if (!cancelled && process === this.process) run();
        };
        const timer = scheduler.after(delayMs, () => {
          if (this.#paused) this.#heldTimers.push(fire);
          else fire();
        });
        return {
          cancel: () => {
            cancelled = true;
            timer.cancel();
          },
        };
      },
    };
  }

  /** What `probe.ts` would see of a gateway (port 8080) or of a service (9100). */
  #probe(clock: Clock, process: number): Probe {
    return ({ host, port, check }, done) => {
      const { network, scheduler } = this.#world;
      const to = this.#world.probedAt(host);
      let over = false;
      const end = (ok: boolean, detail: string): void => {
        if (over) return;
        over = true;
        for (const timer of timers) timer.cancel();
        this.#world.observer?.probed(this, host + ('path' in check ? check.path : ''), ok);
        done(ok, detail);
      };
      const passes = (): boolean =>
        network.connected(this.name, to.name) && (to.region === this.region || to.published);
      const input = (delayMs: number, run: () => void): void => {
        scheduler.after(delayMs, () => {
          if (process !== this.process || over) return;
          if (this.#paused) this.#heldInput.push(run);
          else run();
        });
      };
      const answer = (): void => {
        const alive = port === 9_100 ? to.serviceAlive : to.gateway === 'serving';
        if (alive && passes())
          input(network.delayMs(to.name, this.name), () => end(true, 'status 200'));
      };
      const timers = [
        clock.after(check.connectTimeout, () => {
          if (!connected) end(false, `no connection within ${check.connectTimeout} ms`);
        }),
        clock.after(check.timeout, () => end(false, `no answer within ${check.timeout} ms`)),
      ];
      let connected = false;
      const lost = network.loses(this.name, to.name);
      const thereMs = network.delayMs(this.name, to.name);
      scheduler.after(thereMs, () => {
        if (lost || !passes()) return; // sent again only after the limit
        const dead = port === 9_100 ? !to.serviceAlive : to.gateway === 'dead';
        input(network.delayMs(to.name, this.name), () => {
          if (!passes()) return;
          if (dead) return end(false, 'connection refused');
          connected = true;
          scheduler.after(network.delayMs(this.name, to.name), answer);
        });
      });
      return () => {
        over = true;
        for (const timer of timers) timer.cancel();
      };
    };
  }
}
