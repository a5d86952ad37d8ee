import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Stage } from '../stage.ts';

/** What a load process answers with when it cannot do what it was asked. */
export interface Failure {
  readonly failed: string;
}

/**
 * A load of our own in a process on the core of the load: it gets one command after the
 * other, and answers each.
 */
export class LoadProcess<Command, Answer> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;

  /** `file`: beside this one. */
  constructor(stage: Stage, file: string) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const command = [process.execPath, path];
    this.#name = file;
    this.#child = spawn('taskset', ['-c', String(stage.cores.load), ...command], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      serialization: 'advanced', // typed arrays as they are
    });
  }

  async ask(command: Command, limitMs = 120_000): Promise<Answer> {
    const done = new AbortController();
    const signal = AbortSignal.any([done.signal, AbortSignal.timeout(limitMs)]);
    const answered = once(this.#child, 'message', { signal });
    const ended = once(this.#child, 'exit', { signal });
    this.#child.send(command as object);
    try {
      const [answer] = (await Promise.race([
        answered,
        ended.then(([code]) => [{ failed: `ended with ${code}` }]),
      ])) as [Answer | Failure];
      if (isFailure(answer)) throw new Error(`${this.#name}: ${answer.failed}`);
      return answer;
    } finally {
      done.abort(); // the listeners of the one that did not come
      await Promise.allSettled([answered, ended]);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

function isFailure(answer: unknown): answer is Failure {
  return typeof answer === 'object' && answer !== null && 'failed' in answer;
}

/** In the process: obeys commands, until nobody is there any more. */
export function obey<Command, Answer>(act: (command: Command) => Promise<Answer>): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (command: Command) => {
    act(command).then(
      (answer) => process.send?.(answer),
      (error: unknown) => {
        const failed = error instanceof Error ? error.message : String(error);
        process.send?.({ failed } satisfies Failure);
      },
    );
  });
}
