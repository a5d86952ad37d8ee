import { createDnsClient, type DnsClient } from '../../src/dns/client.ts';
import { StallLog } from './fair-time.ts';
import { send } from './http.ts';
import { clientNear, type RegionName, regionNames, type TestStack } from './stack.ts';

/** What became of one request. */
export interface Visit {
  readonly startedMs: number;
  endedMs: number;
  /** Region that the client's network is nearest to. */
  readonly near: RegionName;
  /** Where it went. */
  address: string | undefined;
  /** 0: it failed. */
  status: number;
  /** Region whose service answered. */
  servedBy: string | undefined;
  error: string | undefined;
}

/** What a name server answered. */
export interface Told {
  readonly atMs: number;
  readonly near: RegionName;
  readonly addresses: readonly string[];
}

interface Client {
  readonly near: RegionName;
  /** Keeps an answer for its TTL, as it may. */
  readonly caches: boolean;
  turn: number;
  addresses: readonly string[];
  expiresMs: number;
}

export interface ResolverLoadOptions {
  readonly host: string;
  readonly path: string;
  readonly perSecond: number;
  /** Name servers of the zone; each client asks the next when one does not answer. */
  readonly servers: readonly string[];
}

/** What a drain has to spare for all to hear of it. */
const spareMs = 2_000;
/** By then a region that says nothing counts as lost. */
const lostWithinMs = 5_000;
/** From then on a resolver asks the next name server. */
const lookupLimitMs = 2_000;
/** An answer that was old when it came, as this process had stood still, is asked for again. */
const freshTries = 5;
/** Of a client that waits however long it takes on a busy machine. */
const requestLimitMs = 15_000;
const clientsPerRegion = 4;

/**
 * Clients near each region that do as DNS says, at a steady rate. Half of them keep an
 * answer for its TTL; each takes the addresses of an answer in turn. A resolver asks the
 * next name server when one does not answer, so that one that restarts fails nobody.
 */
export class ResolverLoad {
  readonly visits: Visit[] = [];
  readonly told: Told[] = [];
  readonly stalls = new StallLog();
  readonly #options: ResolverLoadOptions;
  readonly #servers: readonly DnsClient[];
  readonly #clients: readonly Client[] = regionNames.flatMap((near) =>
    Array.from({ length: clientsPerRegion }, (_, index) => ({
      ...{ near, caches: index % 2 === 0, turn: index, addresses: [], expiresMs: 0 },
    })),
  );
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  #count = 0;

  constructor(options: ResolverLoadOptions) {
    this.#options = options;
    this.#servers = options.servers.map((server) => createDnsClient({ server, port: 5300 }));
    this.#timer = setInterval(() => this.#catchUp(), 5);
  }

  get failed(): Visit[] {
    return this.visits.filter(({ endedMs, status }) => endedMs > 0 && status !== 200);
  }

  /**
   * The failed, but for those that a drain came too late for as the machine stood still: a few,
   * as without any drain hundreds fail.
   *
   * @param ttlMs of the answers
   */
  failedThough(ttlMs: number): Visit[] {
    return this.#though(this.failed, this.visits, ({ startedMs, endedMs }) => [
      startedMs - ttlMs - spareMs,
      endedMs,
    ]);
  }

  /**
   * Look-ups that sent a client away from its region, or nowhere; but for a few as the machine stood
   * still for so long that a region could be taken for lost.
   */
  misledThough(regionOf: ReadonlyMap<string, RegionName>): Told[] {
    const misled = this.told.filter(({ near, addresses }) => {
      const regions = new Set(addresses.map((address) => regionOf.get(address)));
      return regions.size !== 1 || !regions.has(near);
    });
    return this.#though(misled, this.told, ({ atMs }) => [atMs - lostWithinMs, atMs]);
  }

  /** Visits that another region than their own served, but for those. */
  servedElsewhereThough(): Visit[] {
    const elsewhere = this.visits.filter(({ near, status, servedBy }) => {
      return status === 200 && servedBy !== near;
    });
    return this.#though(elsewhere, this.visits, ({ startedMs, endedMs }) => [
      startedMs - lostWithinMs,
      endedMs,
    ]);
  }

  /** What was seen though the machine had not stood still for so long. */
  whileCalm<T extends { readonly atMs: number }>(seen: readonly T[]): T[] {
    return seen.filter(({ atMs }) => this.stalls.between(atMs - lostWithinMs, atMs) < spareMs);
  }

  /** The events that a machine that stood still does not excuse: all, where they are many. */
  #though<T>(events: T[], of: readonly unknown[], during: (one: T) => [number, number]): T[] {
    if (events.length > of.length / 50) return events;
    return events.filter((one) => this.stalls.between(...during(one)) < spareMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    this.stalls.close();
    for (const server of this.#servers) server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #catchUp(): void {
    const due = ((performance.now() - this.#startedMs) / 1_000) * this.#options.perSecond;
    while (this.#count < due) {
      const client = this.#clients[this.#count % this.#clients.length]!;
      const visit = this.#visit(client, this.#count++);
      this.#underWay.add(visit);
      void visit.finally(() => this.#underWay.delete(visit));
    }
  }

  async #visit(client: Client, number: number): Promise<void> {
    const { host, path } = this.#options;
    const visit: Visit = {
      ...{ startedMs: performance.now(), endedMs: 0, near: client.near },
      ...{ address: undefined, status: 0, servedBy: undefined, error: undefined },
    };
    this.visits.push(visit);
    try {
      visit.address = await this.#addressFor(client, number);
      const asked = { address: visit.address, host, path, timeoutMs: requestLimitMs };
      const { status, region } = await send(asked);
      visit.status = status;
      visit.servedBy = region;
    } catch (error) {
      visit.error = error instanceof Error ? error.message : String(error);
    }
    visit.endedMs = performance.now();
  }

  async #addressFor(client: Client, number: number): Promise<string> {
    let isFresh = client.caches && performance.now() < client.expiresMs;
    for (let tries = 0; !isFresh && tries < freshTries; tries++) {
      await this.#resolve(client, number);
      isFresh = performance.now() < client.expiresMs;
    }
    const address = client.addresses[client.turn++ % client.addresses.length];
    if (address === undefined) throw new Error('the answer is empty');
    return address;
  }

  async #resolve(client: Client, number: number): Promise<void> {
    const { near } = client;
    const question = { name: this.#options.host, type: 'A', subnet: clientNear[near] };
    let failure: unknown;
    for (const [index] of this.#servers.entries()) {
      const server = this.#servers[(number + index) % this.#servers.length]!;
      const askedMs = performance.now();
      try {
        const { answers } = await server.lookup({ ...question, timeoutMs: lookupLimitMs });
        client.addresses = answers.map(({ data }) => data);
        client.expiresMs = askedMs + Math.min(...answers.map(({ ttl }) => ttl)) * 1_000;
        this.told.push({ atMs: askedMs, near, addresses: client.addresses });
        return;
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

/** Every node of a stack that has as many in each region, by its address. */
export function nodeAddresses(stack: TestStack, nodes: readonly string[]): Map<string, RegionName> {
  const entries = regionNames.flatMap((region) =>
    nodes.map((node): [string, RegionName] => [stack.address(region, node), region]),
  );
  return new Map(entries);
}
