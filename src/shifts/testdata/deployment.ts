import { createHash } from 'node:crypto';
import { ManualClock } from '../../base/manual-clock.ts';
import { type Config, type ConfigInput, configSchema } from '../../config/schema/config.ts';
import { MemoryStore } from '../../store/memory/memory-store.ts';
import { ShiftController } from '../controller.ts';
import { type Count, durationSlots } from '../counts.ts';
import { ShiftFollower } from '../follower.ts';
import { measure } from '../measure.ts';
import { isActive, type Shift, type ShiftPlan, shareOfShift } from '../shift.ts';
import { Shifts } from '../shifts.ts';
import { shopRoute, toCanary } from './shop.ts';

const location = { latitude: 0, longitude: 0 };
export const regionNames = ['ap', 'eu', 'us'] as const;

export function configOf(canary = 0, more: Partial<ConfigInput> = {}): Config {
  const endpoints = Object.fromEntries(regionNames.map((name) => [name, ['10.0.0.1:80']]));
  return configSchema.parse({
    regions: Object.fromEntries(
      regionNames.map((name, at) => [name, { address: `192.0.2.${at + 1}`, location }]),
    ),
    services: { shop: { endpoints }, canary: { endpoints } },
    routes: [shopRoute(canary)],
    zones: {
      'example.com': {
        ttl: '1s',
        records: [
          {
            name: 'api',
            type: 'A',
            routing: 'weighted',
            service: 'shop',
            answers: [{ region: 'eu', weight: 3 }, { region: 'us' }],
          },
        ],
      },
    },
    ...more,
  });
}

export function planOf(more: Partial<ShiftPlan> = {}): ShiftPlan {
  return {
    ...toCanary,
    steps: [1, 5, 25, 50, 100],
    everyMs: 10_000,
    observeMs: 5_000,
    startAt: undefined,
    guard: { errorShare: 0.02, latencyFactor: 2, minimumRequests: 100, onBreach: 'pause' },
    ...more,
  };
}

/** Requests of which some failed, all of about the same duration. */
export function countOf(requests: number, failed = 0, slot = 6): Count {
  const durations = Array.from({ length: durationSlots }, (_, at) => (at === slot ? requests : 0));
  return { requests, failed, durations };
}

/** What a service does to the requests that come to it. */
export interface Behaviour {
  failing: number;
  slot: number;
}

interface Worker {
  readonly region: string;
  readonly controller: ShiftController;
  readonly follower: ShiftFollower;
  readonly requests: Map<string, { requests: number; failed: number; durations: number[] }>;
  startedAt: string;
  alive: boolean;
}

/**
 * Three nodes on one clock and one store, which count requests, report and move shifts on as
 * real ones do; and a hand on the clock.
 */
export class Deployment {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly shifts = new Shifts(this.store, this.clock);
  readonly behaviours: Record<string, Behaviour> = {
    shop: { failing: 0, slot: 6 },
    canary: { failing: 0, slot: 6 },
  };
  readonly config: Config;
  /** What each node did: region, action. */
  readonly actions: [region: string, action: string][] = [];
  readonly workers: Worker[];
  requestsPerSecond = 1_000;
  rolling = false;
  #carry = 0;

  constructor(config = configOf()) {
    this.config = config;
    this.workers = regionNames.map((region) => this.#create(region));
    for (const { follower } of this.workers) follower.start();
  }

  start(plan: ShiftPlan = planOf()) {
    const wish = { author: 'ana', message: '', known: undefined };
    return this.shifts.start(plan, this.config, wish);
  }

  /** Time passes: requests come in each second, nodes report each second and look. */
  async pass(seconds: number): Promise<void> {
    for (let at = 0; at < seconds; at++) {
      this.#serve();
      await this.#report();
      for (let step = 0; step < 4; step++) {
        this.clock.advance(250);
        await settled();
      }
    }
  }

  async shift(): Promise<Shift> {
    return (await this.shifts.read())!.document.shifts[0]!;
  }

  kill(region: string): void {
    const worker = this.workers.find((one) => one.region === region)!;
    worker.alive = false;
    worker.controller.close();
    worker.follower.close();
  }

  /** As another process, which knows nothing. */
  revive(region: string): void {
    const at = this.workers.findIndex((one) => one.region === region);
    this.workers[at] = this.#create(region);
    this.workers[at]!.follower.start();
  }

  close(): void {
    for (const { controller, follower } of this.workers) {
      controller.close();
      follower.close();
    }
  }

  #create(region: string): Worker {
    const { shifts, clock } = this;
    const controller = new ShiftController({
      ...{ shifts, clock, region, node: region },
      config: () => this.config,
      rolling: () => this.rolling,
      onAction: ({ action }) => this.actions.push([region, action]),
    });
    const follower = new ShiftFollower({
      ...{ shifts, clock, known: undefined, random: () => 0 },
      onDocument: (document) => controller.observe(document),
    });
    const startedAt = new Date(clock.wallMs()).toISOString();
    return { region, controller, follower, requests: new Map(), startedAt, alive: true };
  }

  /** Each node by the share that it holds. */
  #serve(): void {
    for (const { alive, follower, requests } of this.workers) {
      if (!alive) continue;
      const shift = follower.document?.shifts[0];
      const share = shift ? shareOfShift(shift) / 100 : 0;
      const total = this.requestsPerSecond / this.workers.length;
      this.#count(requests, 'canary', total * share);
      this.#count(requests, 'shop', total * (1 - share));
    }
  }

  #count(into: Worker['requests'], service: string, exact: number): void {
    const count = Math.floor(exact + this.#carry);
    this.#carry = exact + this.#carry - count;
    const { failing, slot } = this.behaviours[service]!;
    const empty = { requests: 0, failed: 0, durations: new Array<number>(durationSlots).fill(0) };
    const known = into.get(service) ?? empty;
    known.requests += count;
    known.failed += Math.round(count * failing);
    known.durations[slot]! += count;
    into.set(service, known);
  }

  async #report(): Promise<void> {
    for (const worker of this.workers) {
      if (!worker.alive) continue;
      const { region, startedAt, requests, follower } = worker;
      const counter = (service?: string) =>
        structuredClone(requests.get(service ?? 'shop') ?? countOf(0));
      const active = (follower.document?.shifts ?? []).filter(isActive);
      const shiftCounts = Object.fromEntries(
        active.map(({ id, subject, to }) => [
          id,
          { ...measure(subject, to, this.config, region, counter), startedAt },
        ]),
      );
      const report = {
        region,
        node: region,
        ready: true,
        revision: { sequence: 1, hash: createHash('sha256').digest('hex') },
        traffic: { requests: 0, failed: 0, startedAt },
        reportedAt: new Date(this.clock.wallMs()).toISOString(),
        shiftCounts,
      };
      const bytes = Buffer.from(JSON.stringify(report));
      await this.store.bucket('status').put(`${region}.${region}`, bytes);
    }
  }
}

/** What was begun without a timer has come to its end. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
