import { createDnsClient, type DnsClient } from '../../src/dns/client.ts';
import { send } from './http.ts';
import { clientNear, type RegionName, regionNames, type TestStack } from './stack.ts';

/** One client's round: a look-up at one name server, then a request to what it answered. */
export interface Round {
  readonly startedMs: number;
  endedMs: number;
  /** Region whose name server was asked. */
  readonly server: RegionName;
  /** Region that the client's network is nearest to. */
  readonly near: RegionName;
  /** Regions that the answer named; `undefined`: no answer. */
  answered: readonly (RegionName | undefined)[] | undefined;
  /** Status of the request; 0: it failed. */
  status: number;
  /** Region that the answer to the request names. */
  servedBy: string | undefined;
  error: string | undefined;
}

/** Of a client that waits however long it takes on a busy machine. */
const patienceMs = 15_000;
/** A client that is late by more than this leaves out what it missed: it would only be later. */
const caughtUpMs = 50;

export interface RoundLoadOptions {
  readonly host: string;
  readonly path: string;
  readonly perSecond: number;
  /** How long a client waits for an answer, of a name server and of a gateway each. */
  readonly patienceMs?: number;
  /** By which rounds begin and end; default: `performance.now`. */
  readonly nowMs?: () => number;
}

/**
 * Clients near each region in turn, asking the given name servers in turn, at a steady
 * rate, each round on a connection of its own.
 */
export class RoundLoad {
  readonly rounds: Round[] = [];
  readonly #stack: TestStack;
  readonly #host: string;
  readonly #path: string;
  readonly #clients = new Map<RegionName, DnsClient>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs = performance.now();
  readonly #perSecond: number;
  readonly #patienceMs: number;
  readonly #nowMs: () => number;
  #count = 0;
  #leftOut = 0;
  #servers: readonly RegionName[] = regionNames;

  constructor(stack: TestStack, options: RoundLoadOptions) {
    this.#stack = stack;
    this.#host = options.host;
    this.#path = options.path;
    this.#perSecond = options.perSecond;
    this.#patienceMs = options.patienceMs ?? patienceMs;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    for (const region of regionNames) {
      this.#clients.set(region, createDnsClient({ server: stack.address(region), port: 5300 }));
    }
    this.#timer = setInterval(() => this.#catchUp(), 5);
  }

  /** From now on only these name servers are asked. */
  ask(servers: readonly RegionName[]): void {
    this.#servers = servers;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
    for (const client of this.#clients.values()) client.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #catchUp(): void {
    const passedMs = performance.now() - this.#startedMs;
    const due = Math.floor((passedMs / 1_000) * this.#perSecond) - this.#leftOut;
    const missed = due - this.#count - Math.ceil((caughtUpMs / 1_000) * this.#perSecond);
    this.#leftOut += Math.max(0, missed);
    const end = due - Math.max(0, missed);
    while (this.#count < end) {
      const round = this.#run(this.#count++);
      this.#underWay.add(round);
      void round.finally(() => this.#underWay.delete(round));
    }
  }

  async #run(number: number): Promise<void> {
    const server = this.#servers[number % this.#servers.length]!;
    const near = regionNames[Math.floor(number / this.#servers.length) % regionNames.length]!;
    const startedMs = this.#nowMs();
    const round: Round = {
      startedMs,
      endedMs: startedMs,
      server,
      near,
      answered: undefined,
      status: 0,
      servedBy: undefined,
      error: undefined,
    };
    this.rounds.push(round);
    try {
      const addresses = await this.#lookUp(server, near);
      round.answered = addresses.map((address) => this.#regionOf(address));
      if (addresses[0] === undefined) throw new Error('the answer is empty');
      const answer = await send({
        address: addresses[0],
        host: this.#host,
        path: this.#path,
        timeoutMs: this.#patienceMs,
      });
      round.status = answer.status;
      round.servedBy = answer.region;
    } catch (error) {
      round.error = error instanceof Error ? error.message : String(error);
    }
    round.endedMs = this.#nowMs();
  }

  async #lookUp(server: RegionName, near: RegionName): Promise<string[]> {
    const question = { name: this.#host, type: 'A', subnet: clientNear[near] };
    const client = this.#clients.get(server)!;
    const { answers } = await client.lookup({ ...question, timeoutMs: this.#patienceMs });
    return answers.map(({ data }) => data);
  }

  #regionOf(address: string): RegionName | undefined {
    return regionNames.find((region) => this.#stack.address(region) === address);
  }
}

/** A round that a user would call failed. */
export function failed(round: Round): boolean {
  return round.status !== 200;
}
