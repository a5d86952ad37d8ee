import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StoreOptions } from '../../src/store/open.ts';
import { eventually } from '../support/eventually.ts';
import type { Breakage } from './broken-bucket.ts';
import type { ClientProcessOptions, FromProcess, ToProcess } from './client-process.ts';
import { readJournal } from './journal.ts';
import type { ProcessHistory } from './observation.ts';

export interface RegionClientsOptions {
  readonly regions: readonly string[];
  readonly clients: number;
  readonly seed: number;
  readonly breakage: Breakage | undefined;
}

const program = fileURLToPath(new URL('client-process.ts', import.meta.url));
const prefix = 'k';
const keys = ['k1', 'k2', 'k3', 'k4'];
const formedMs = 180_000;
const recoveredMs = 90_000;
const toldAllMs = 240_000;

/** The node of a region with its clients: processes one after the other, as they are killed. */
export class RegionClients {
  readonly region: string;
  readonly #store: StoreOptions;
  readonly #options: RegionClientsOptions;
  readonly #journals = mkdtempSync(join(tmpdir(), 'meridian-history-'));
  #lives = 0;
  #process: NodeProcess | undefined;

  constructor(region: string, store: StoreOptions, options: RegionClientsOptions) {
    this.region = region;
    this.#store = store;
    this.#options = options;
    this.start();
  }

  /** Its clients begin when they are told to. No matter when it runs. */
  start(): void {
    if (this.#process) return;
    const { region } = this;
    const life = ++this.#lives;
    writeFileSync(this.#journalOf(life), '');
    const { regions, clients, breakage, seed } = this.#options;
    this.#process = new NodeProcess({
      ...{ region, regions, clients, breakage, keys, prefix },
      name: this.#nameOf(life),
      store: this.#store,
      seed: seed * 7 + regions.indexOf(region) + life * 1_000,
      journal: this.#journalOf(life),
    });
  }

  /** What it has in memory is gone, and what it was doing not known. */
  async kill(): Promise<void> {
    const ended = this.#process;
    this.#process = undefined;
    await ended?.kill();
  }

  /** SIGSTOP or SIGCONT. */
  freeze(isFrozen: boolean): void {
    this.#process?.freeze(isFrozen);
  }

  send(message: ToProcess): void {
    this.#process?.send(message);
  }

  async ready(): Promise<void> {
    await this.#process?.heard('ready', formedMs);
  }

  async stop(): Promise<void> {
    this.send({ type: 'stop' });
    await this.#process?.heard('stopped', recoveredMs);
  }

  /** @returns keys whose last version its watch did not tell of. */
  async finish(all: readonly string[]): Promise<readonly string[]> {
    this.send({ type: 'finish', keys: all });
    const message = await this.#process?.heard('finished', toldAllMs);
    return message?.type === 'finished' ? message.untold : [];
  }

  /** Of all lives so far. */
  histories(): readonly ProcessHistory[] {
    return Array.from({ length: this.#lives }, (_, i) =>
      readJournal(this.#journalOf(i + 1), this.#nameOf(i + 1)),
    );
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#journals, { recursive: true, force: true });
  }

  #nameOf(life: number): string {
    return `${this.region}${life}`;
  }

  #journalOf(life: number): string {
    return join(this.#journals, `${this.#nameOf(life)}.jsonl`);
  }
}

class NodeProcess {
  readonly #child: ChildProcess;
  readonly #heard = new Map<FromProcess['type'], FromProcess>();
  readonly #exited: Promise<void>;
  #isOver = false;

  constructor(options: ClientProcessOptions) {
    this.#child = fork(program, [JSON.stringify(options)], { execArgv: [] });
    this.#child.on('message', (message: FromProcess) => this.#heard.set(message.type, message));
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#isOver = true;
        resolve();
      });
    });
  }

  /** @throws when the process ended by itself. */
  send(message: ToProcess): void {
    if (this.#isOver || !this.#child.connected) throw new Error('a process of clients failed');
    this.#child.send(message);
  }

  async heard(type: FromProcess['type'], limitMs: number): Promise<FromProcess> {
    const heard = () => this.#heard.get(type) ?? this.#isOver;
    const message = await eventually(`clients to be ${type}`, heard, limitMs);
    if (message === true) throw new Error('a process of clients failed');
    return message;
  }

  freeze(isFrozen: boolean): void {
    this.#child.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }
}
