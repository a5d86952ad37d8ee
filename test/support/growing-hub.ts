import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { codeOf } from '../../src/base/errors.ts';
import { hubConfigText, leafConfigText } from '../../src/store/nats-server/config-text.ts';
import { findNatsServer } from '../../src/store/nats-server/find.ts';
import type { StoreSite } from '../../src/store/nats-server/sites.ts';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { type ChangeOptions, changeHub } from '../../src/store/voters/change.ts';
import type { Hub } from '../../src/store/voters/hub.ts';
import { HubServers } from '../../src/store/voters/hub-servers.ts';
import type { Outcome, Step } from '../../src/store/voters/next-step.ts';
import { streamNames } from '../../src/store/voters/snapshot.ts';
import { describeStep } from '../../src/store/voters/words.ts';
import { fairTimer } from './fair-time.ts';
import { freeSite } from './nats-cluster.ts';

const secret = 'secret-of-a-hub-that-grows';
const changedMs = 120_000;
/** Why a change is refused or given up while voters elect, or are too slow to answer. */
const badMoments: readonly unknown[] = ['no_quorum', 'voter_down', 'store_unreachable'];

/** Real voters and one leaf, of which voters can be started, killed and made anew. */
export class GrowingHub {
  readonly servers: HubServers;
  readonly directory = mkdtempSync(join(tmpdir(), 'meridian-voters-'));
  readonly #processes = new Map<string, ChildProcess>();
  readonly #sites: ReadonlyMap<string, StoreSite>;

  private constructor(sites: readonly StoreSite[]) {
    this.#sites = new Map(sites.map((site) => [site.region, site]));
    const voters = sites.map(({ address, ports }) => ({ url: `nats://${address}:${ports.hub}` }));
    this.servers = new HubServers({ voters, secret });
  }

  /** @param regions all that there may ever be; the first holds the leaf. */
  static async start(regions: readonly string[], voters: readonly string[]): Promise<GrowingHub> {
    const hub = new GrowingHub(await Promise.all(regions.map(freeSite)));
    for (const region of voters) hub.startVoter(region, 1, voters);
    hub.#startLeaf(regions[0]!, voters);
    return hub;
  }

  /** @param closed it lets no leaf in, until `reopen`. */
  startVoter(region: string, instance: number, voters: readonly string[], closed = false): void {
    const name = `hub-${region}-${instance}`;
    this.#spawn(name, (storeDirectory) =>
      hubConfigText({ ...this.#options(region, voters), storeDirectory, instance, closed }),
    );
  }

  reopen(region: string, instance: number, voters: readonly string[]): void {
    const name = `hub-${region}-${instance}`;
    const directory = join(this.directory, name);
    const storeDirectory = join(directory, 'data');
    const text = hubConfigText({ ...this.#options(region, voters), storeDirectory, instance });
    writeFileSync(join(directory, 'server.conf'), text);
    this.#processes.get(name)?.kill('SIGHUP');
  }

  /** SIGKILL, and nothing is left of its disk. */
  async lose(region: string, instance = 1): Promise<void> {
    const name = `hub-${region}-${instance}`;
    await this.end(name);
    rmSync(join(this.directory, name), { recursive: true, force: true });
  }

  async end(name: string): Promise<void> {
    const child = this.#processes.get(name);
    this.#processes.delete(name);
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** What it is like, once it answers an operator too: a connection to who has ended may not know. */
  async seen(): Promise<Hub | undefined> {
    try {
      const hub = await this.servers.look();
      await streamNames(await this.servers.operator());
      return hub;
    } catch {
      return undefined;
    }
  }

  /** What a node in the leaf's region uses. */
  open(replicas: 1 | 3 | 5): Store {
    const [site] = this.#sites.values();
    const servers = [`nats://${site!.address}:${site!.ports.leaf}`];
    return openStore({ engine: 'jetstream', servers, name: site!.region, replicas, secret });
  }

  /**
   * Carries a change out; `start` is done by starting the voter. Returns the steps taken. Where the
   * hub was seen at a bad moment it is asked again, as an operator would, and goes on from there.
   */
  async change(
    next: (hub: Hub) => Outcome,
    voters: readonly string[],
    onStep: (step: Step) => void = () => undefined,
  ): Promise<string[]> {
    const steps: string[] = [];
    const passedMs = fairTimer();
    const change: ChangeOptions = {
      look: () => this.servers.look(),
      next,
      do: async (step) => {
        if (step.do !== 'start') return await this.servers.do(step);
        const instance = Number(/_(\d+)$/.exec(step.server)?.[1] ?? 1);
        this.startVoter(step.region, instance, voters);
      },
      onEvent: (event) => {
        if (event.event !== 'step') return;
        steps.push(describeStep(event.step));
        onStep(event.step);
      },
      clock: systemClock,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      patienceMs: changedMs,
      stop: new AbortController().signal,
    };
    for (;;) {
      try {
        await changeHub(change);
        return steps;
      } catch (error) {
        if (!badMoments.includes(codeOf(error)) || passedMs() > changedMs) throw error;
        await change.sleep(1_000);
      }
    }
  }

  async close(): Promise<void> {
    await this.servers.close();
    await Promise.all([...this.#processes.keys()].map((name) => this.end(name)));
    rmSync(this.directory, { recursive: true, force: true });
  }

  #startLeaf(region: string, voters: readonly string[]): void {
    this.#spawn('leaf', (storeDirectory) =>
      leafConfigText({ ...this.#options(region, voters), storeDirectory }),
    );
  }

  #options(region: string, voters: readonly string[]) {
    return {
      site: this.#sites.get(region)!,
      voters: voters.map((one) => this.#sites.get(one)!),
      secret,
    };
  }

  #spawn(name: string, text: (storeDirectory: string) => string): void {
    if (this.#processes.has(name)) return;
    const directory = join(this.directory, name);
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'server.conf');
    writeFileSync(file, text(join(directory, 'data')), { mode: 0o600 });
    const log = openSync(join(directory, 'server.log'), 'a');
    this.#processes.set(
      name,
      spawn(findNatsServer(), ['-c', file], { stdio: ['ignore', log, log] }),
    );
  }
}
