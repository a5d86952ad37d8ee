import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { type ExclusiveLock, takeExclusiveLock } from '../../src/base/exclusive-lock.ts';
import { eventually } from './eventually.ts';
import { fairTimer } from './fair-time.ts';

export const command = fileURLToPath(new URL('../../bin/meridian.js', import.meta.url));
export const exampleConfig = fileURLToPath(
  new URL('../../examples/currency-exchange/meridian.yaml', import.meta.url),
);

/** The regions of the worked example with the third octet of their loopback addresses. */
const regionOctets = { 'us-east-1': 1, 'eu-west-1': 2, 'ap-southeast-1': 3 } as const;
export type RegionName = keyof typeof regionOctets;
export const regionNames = Object.keys(regionOctets) as RegionName[];

/** A client subnet near each region, as documented ranges of large providers there. */
export const clientNear: Readonly<Record<RegionName, string>> = {
  'us-east-1': '8.8.8.0/24',
  'eu-west-1': '81.2.69.0/24',
  'ap-southeast-1': '103.6.148.0/24',
};

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `meridian ARGS` to its end; killed when it hangs: six nodes restart in a minute. */
export function meridian(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env }, timeout: 400_000, maxBuffer: 64 << 20 };
    const child = execFile(
      process.execPath,
      [command, ...args],
      options,
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}

/** Resolves when `condition` holds; throws with `what` after `limitMs`. As `eventually`. */
export async function until(
  what: string,
  condition: () => Promise<boolean> | boolean,
  limitMs = 40_000,
): Promise<void> {
  await eventually(what, condition, limitMs);
}

/** A part of 127.0.0.0/8 that no other test run of this machine uses now. */
export async function takeLoopback(): Promise<{ loopback: number; lock: ExclusiveLock }> {
  for (let tries = 0; tries < 500; tries++) {
    const loopback = 20 + Math.floor(Math.random() * 220);
    const lock = await takeExclusiveLock(`test-loopback-${loopback}`);
    if (lock) return { loopback, lock };
  }
  throw new Error('every loopback range is in use');
}

export interface TestStackOptions {
  /** Of each region. */
  readonly nodes?: number;
  /** More of the command line of `meridian up`. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** The worked example as its user starts it, on addresses of its own. */
export class TestStack {
  readonly state: string;
  readonly loopback: number;
  /** Without what it waited for a processor. */
  readonly readyAfterMs: number;
  readonly #process: ChildProcess;
  readonly #lock: ExclusiveLock;
  readonly #output: { text: string };

  private constructor(parts: {
    state: string;
    loopback: number;
    readyAfterMs: number;
    process: ChildProcess;
    lock: ExclusiveLock;
    output: { text: string };
  }) {
    this.state = parts.state;
    this.loopback = parts.loopback;
    this.readyAfterMs = parts.readyAfterMs;
    this.#process = parts.process;
    this.#lock = parts.lock;
    this.#output = parts.output;
  }

  /** Starts `meridian up` and waits until it says that all is ready. */
  static async start(config = exampleConfig, options: TestStackOptions = {}): Promise<TestStack> {
    const { nodes, args: more = [], env = {} } = options;
    const { loopback, lock } = await takeLoopback();
    const state = await mkdtemp(join(tmpdir(), 'meridian-stack-'));
    const passedMs = fairTimer();
    // What is tested of it is `readyAfterMs`.
    const patience = ['--ready-within', '200'];
    const place = ['--state', state, '--loopback', String(loopback)];
    const args = [command, 'up', config, ...place, ...patience];
    const all = [...args, ...(nodes === undefined ? [] : ['--nodes', String(nodes)]), ...more];
    const child = spawn(process.execPath, all, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    });
    const output = { text: '' };
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (bytes: Buffer) => {
        output.text += bytes;
      });
    }
    const ready = () => /is ready: /.test(output.text);
    await until(
      'meridian up is ready',
      () => {
        if (child.exitCode !== null) throw new Error(`meridian up ended:\n${output.text}`);
        return ready();
      },
      200_000,
    );
    const readyAfterMs = passedMs();
    return new TestStack({ state, loopback, readyAfterMs, process: child, lock, output });
  }

  get output(): string {
    return this.#output.text;
  }

  get supervisorPid(): number {
    return this.#process.pid!;
  }

  /** Of a region, which is that of its first node; or of another node: `b`, `c`, … */
  address(region: RegionName, node = 'a'): string {
    const place = node.charCodeAt(0) - 'a'.charCodeAt(0) + 1;
    return `127.${this.loopback}.${regionOctets[region]}.${place}`;
  }

  /** `meridian ARGS --state …`, however it ends: `apply`, `plan`, … */
  attempt(...args: string[]): Promise<CommandResult> {
    return meridian([...args, '--state', this.state]);
  }

  /** The same, which must succeed. Returns its standard output. */
  async run(...args: string[]): Promise<string> {
    const result = await this.attempt(...args);
    if (result.code !== 0) {
      const ending = /^ending the stack: .*$/m.exec(this.output)?.[0] ?? '';
      throw new Error(`meridian ${args.join(' ')}: exit ${result.code}\n${result.stderr}${ending}`);
    }
    return result.stdout;
  }

  /** A resource of the admin API of a node as JSON. */
  async admin<T>(region: RegionName, path: string, node?: string): Promise<T> {
    const answer = await fetch(`http://${this.address(region, node)}:9000${path}`, {
      headers: { connection: 'close' }, // A kept one may end as it is asked again.
      signal: AbortSignal.timeout(30_000),
    });
    return (await answer.json()) as T;
  }

  /** What a node says of itself. */
  status(region: RegionName, node?: string): Promise<NodeStatus> {
    return this.admin<NodeStatus>(region, '/status', node);
  }

  /** Process ids of the nodes, the first of each region. */
  nodePids(): Promise<number[]> {
    return Promise.all(regionNames.map((region) => this.nodePid(region)));
  }

  /** Of the first node of a region, or of the one that is named. */
  async nodePid(region: RegionName, node?: string): Promise<number> {
    const wanted = `--region\0${region}\0${node === undefined ? '' : `--node\0${node}\0`}`;
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      if (words.includes(wanted) && words.includes(`${this.state}/`)) return Number(pid);
    }
    throw new Error(`no node ${node ?? ''} of ${region} runs`);
  }

  /** Ends it as Ctrl-C does and gives its exit code; the state directory stays. */
  async end(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGINT');
      await ended;
    }
    return this.#process.exitCode;
  }

  /** Ends it and removes the state directory. */
  async stop(): Promise<void> {
    await this.end();
    await this.#lock.release();
    await rm(this.state, { recursive: true, force: true });
  }
}
