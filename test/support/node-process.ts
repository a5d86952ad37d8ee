import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { command, until } from './stack.ts';

export interface NodeProcessOptions {
  readonly region: string;
  readonly state: string;
  /** Where it answers, by its configuration. */
  readonly address: string;
  /** More of the command line of `meridian run`. */
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** `meridian run` by itself, without a stack around it. */
export class NodeProcess {
  readonly process: ChildProcess;
  readonly address: string;
  readonly #ended: Promise<unknown>;
  #output = '';
  #errors = '';

  constructor({ region, state, address, args = [], env = {} }: NodeProcessOptions) {
    this.address = address;
    this.process = spawn(
      process.execPath,
      [command, 'run', '--region', region, '--state', state, ...args],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } },
    );
    this.#ended = once(this.process, 'close');
    this.process.stdout!.on('data', (bytes: Buffer) => {
      this.#output += bytes;
    });
    this.process.stderr!.on('data', (bytes: Buffer) => {
      this.#errors += bytes;
    });
  }

  /** Starts one and waits until it is ready. */
  static async start(options: NodeProcessOptions): Promise<NodeProcess> {
    const node = new NodeProcess(options);
    await until('the node is ready', async () => {
      const { exitCode } = node.process;
      if (exitCode !== null) throw new Error(`the node ended with ${exitCode}: ${node.errors}`);
      return fetch(`http://${node.address}:9000/ready`).then(
        ({ status }) => status === 200,
        () => false,
      );
    });
    return node;
  }

  /** What it wrote to its standard output: its log. */
  get output(): string {
    return this.#output;
  }

  get errors(): string {
    return this.#errors;
  }

  /** Resolves when it has ended by itself; gives its exit code. One that serves is killed. */
  async end(limitMs = 60_000): Promise<number | null> {
    const limit = setTimeout(() => this.process.kill('SIGKILL'), limitMs);
    await this.#ended;
    clearTimeout(limit);
    return this.process.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    this.process.kill(signal);
    await this.#ended;
  }
}
