import { setTimeout as sleep } from 'node:timers/promises';
import { NameServers } from '../../test/support/name-servers.ts';
import type { RegionName, TestStack } from '../../test/support/stack.ts';

const pollMs = 20;

/** When the survivors of a fault came to know, by the clock of `performance`. */
export class Watch {
  readonly failedProbeMs = new Map<RegionName, number>();
  readonly decidedMs = new Map<RegionName, number>();
  /** When each name server first gave an answer without the region, after the last with it. */
  readonly switchedMs = new Map<RegionName, number>();
  readonly #stack: TestStack;
  readonly #lost: RegionName;
  readonly #host: string;
  readonly #servers: NameServers;
  readonly #polling: Promise<unknown>;
  #over = false;

  constructor(stack: TestStack, lost: RegionName, survivors: readonly RegionName[], host: string) {
    this.#stack = stack;
    this.#lost = lost;
    this.#host = host;
    this.#servers = new NameServers(stack);
    this.#polling = Promise.all(
      survivors.flatMap((region) => [
        this.#poll(() => this.#askNode(region)),
        this.#poll(() => this.#askNameServer(region)),
      ]),
    );
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#polling;
    this.#servers.close();
  }

  async #poll(ask: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      const startedMs = performance.now();
      await ask().catch(() => {}); // the next one is soon
      await sleep(Math.max(1, startedMs + pollMs - performance.now()));
    }
  }

  async #askNode(region: RegionName): Promise<void> {
    const { regions } = await this.#stack.status(region);
    const atMs = performance.now();
    const { gateway } = regions.find(({ name }) => name === this.#lost)!;
    // A probe that fails stands in brackets behind the reason.
    if (gateway.reason.endsWith(')')) note(this.failedProbeMs, region, atMs);
    const sinceMs = Date.parse(gateway.since ?? '') - performance.timeOrigin;
    if (gateway.state === 'unhealthy') note(this.decidedMs, region, sinceMs);
  }

  async #askNameServer(region: RegionName): Promise<void> {
    const answer = await this.#servers.ask(region, this.#host, this.#lost);
    if (answer.includes(this.#lost)) this.switchedMs.delete(region);
    else note(this.switchedMs, region, performance.now());
  }
}

function note(times: Map<RegionName, number>, region: RegionName, atMs: number): void {
  if (!times.has(region)) times.set(region, atMs);
}
