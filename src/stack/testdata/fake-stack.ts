import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findMarked, signal } from '../processes/marked.ts';

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/** Two regions, a service in both, no store servers. */
export const fakeConfig = {
  regions: {
    eu: { address: '127.0.2.1', location: { latitude: 53, longitude: -6 } },
    us: { address: '127.0.1.1', location: { latitude: 39, longitude: -77 } },
  },
  services: { rates: { endpoints: { eu: ['127.0.2.1:8101'], us: ['127.0.1.1:8101'] } } },
  routes: [{ name: 'rates', hosts: ['rates.test'], prefix: '/v1', service: 'rates' }],
  stack: { services: { rates: { command: ['node', pathOf('./fake-service.ts')] } } },
};

/** A folder of its own under the system's folder for temporary files; removed by the caller. */
export const makeFolder = () => mkdtempSync(join(tmpdir(), 'meridian-test-'));

export interface SupervisorEvent {
  readonly event: string;
  readonly [fact: string]: unknown;
}

export interface StartOptions {
  readonly config?: object;
  readonly environment?: NodeJS.ProcessEnv;
  readonly readyWithinMs?: number;
  readonly stateName?: string;
  /** Of each region; left out: as the configuration says. */
  readonly nodes?: number;
  readonly place?: { readonly loopback: number; readonly portOffset: number };
}

/** Random, so that two test runs on one machine do not meet. */
export const somePlace = () => ({
  loopback: 1 + Math.floor(Math.random() * 254),
  portOffset: Math.floor(Math.random() * 20_000),
});

/** A supervisor in a process of its own, over fake nodes. */
export class FakeStack {
  readonly folder: string;
  readonly state: string;
  readonly child: ChildProcess;
  readonly events: SupervisorEvent[] = [];
  readonly #exited: Promise<unknown>;

  constructor(folder: string, options: StartOptions = {}) {
    const { config = fakeConfig, environment, readyWithinMs = 60_000, stateName, nodes } = options;
    const { loopback, portOffset } = options.place ?? somePlace();
    this.folder = folder;
    this.state = join(folder, stateName ?? 'state');
    const file = join(folder, 'meridian.yaml');
    writeFileSync(file, JSON.stringify(config));
    const args = [file, this.state, loopback, portOffset, readyWithinMs, nodes ?? []]
      .flat()
      .map(String);
    this.child = spawn(process.execPath, [pathOf('./fake-supervisor.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...environment },
    });
    this.#exited = once(this.child, 'exit');
    createInterface(this.child.stdout!).on('line', (line) => this.events.push(JSON.parse(line)));
  }

  /** Waits for an event by its name, for a while. */
  async event(name: string): Promise<SupervisorEvent> {
    const find = () => this.events.find(({ event }) => event === name);
    await until(() => find() !== undefined || this.child.exitCode !== null, `event ${name}`);
    // The end of the process and its last words come on different ways.
    await until(
      () => find() !== undefined,
      `event ${name}; got ${JSON.stringify(this.events)}`,
      30_000,
    );
    return find()!;
  }

  /** The exit status of the supervisor, or the signal that ended it. */
  async exit(): Promise<unknown> {
    await this.#exited;
    return this.child.exitCode ?? this.child.signalCode;
  }

  /** Ends the supervisor however it is, and everything that carries its mark. */
  async clean(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.#exited;
    for (const { pid } of findMarked(this.state)) signal(pid, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls until a condition holds. */
export async function until(
  condition: () => boolean,
  what: string,
  limitMs = 120_000,
): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}
