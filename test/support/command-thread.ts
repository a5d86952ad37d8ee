import { once } from 'node:events';
import { parentPort, Worker } from 'node:worker_threads';

export interface CommandResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Request {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs `meridian ARGS` again and again in one thread, in the folder of the process and one
 * after the other: the same code as in a process of its own, loaded once. Not for what reads
 * the standard input, or waits for signals.
 */
export class CommandThread {
  readonly #worker = new Worker(new URL('./command-worker.ts', import.meta.url));
  #last: Promise<unknown> = Promise.resolve();

  run(args: readonly string[], env: Request['env'] = {}): Promise<CommandResult> {
    const result = this.#last.then(async () => {
      this.#worker.postMessage({ args, env } satisfies Request);
      const [answer] = await once(this.#worker, 'message');
      return answer as CommandResult;
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The other end, in the thread. */
export function serveCommands(run: (argv: readonly string[]) => Promise<void>): void {
  const written = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    // Each command listens for its errors.
    process[name].setMaxListeners(0);
    process[name].write = (text: string | Uint8Array) => {
      written[name] += typeof text === 'string' ? text : Buffer.from(text).toString();
      return true;
    };
  }
  parentPort?.on('message', async ({ args, env }: Request) => {
    Object.assign(process.env, env);
    Object.assign(written, { stdout: '', stderr: '' });
    process.exitCode = 0;
    await run([process.execPath, 'meridian', ...args]);
    const status = Number(process.exitCode);
    parentPort?.postMessage({ status, ...written } satisfies CommandResult);
  });
}
