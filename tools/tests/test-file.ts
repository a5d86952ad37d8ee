import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { TestEvent } from 'node:test/reporters';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { eventsFd, type ToldError } from './report-events.ts';
import { Unfinished } from './unfinished.ts';

export interface TestFileOptions {
  readonly namePatterns?: readonly string[];
  /** From when on it is taken for hanging. */
  readonly timeoutMs: number;
  /** How long it may go on when tests failed and none is left: what they left open keeps it up. */
  readonly failedMs?: number;
  /** From then until what is left of it is killed. */
  readonly graceMs?: number;
  /** Ends it early. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: TestEvent) => void;
}

const reporter = join(import.meta.dirname, 'report-events.ts');

/**
 * One test file as a process that leads a group of its own: what it starts and does not
 * detach ends with it, whatever signals that catches. What goes wrong with the process itself
 * (a hang, a crash, an end before its tests are over) is told as one more test that failed.
 *
 *   running ────────────────────▶ exited ──▶ group killed ──▶ told
 *      │                            ▲
 *      └ time is out ─ SIGTERM ─────┴─ after the grace SIGKILL, each to the group
 */
export class TestFile {
  readonly #root: string;
  readonly #file: string;
  readonly #options: TestFileOptions;
  readonly #unfinished = new Unfinished();
  readonly #idle = new AbortController();
  #idleTimer: NodeJS.Timeout | undefined;
  #failed = false;
  #complete = false;

  /** @param file Relative to `root`. */
  constructor(root: string, file: string, options: TestFileOptions) {
    this.#root = root;
    this.#file = file;
    this.#options = options;
  }

  async run(): Promise<void> {
    const { timeoutMs, graceMs = 5_000, signal } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    const idle = this.#idle.signal;
    const stop = AbortSignal.any(signal ? [timeout, idle, signal] : [timeout, idle]);
    const child = this.#start();
    const closed = once(child, 'close');
    const stopped = once(stop, 'abort').then(() => this.#where());
    const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    const where = await Promise.race([stopped, exited.then(() => undefined)]);
    if (where !== undefined) {
      signalGroup(child, 'SIGTERM');
      await Promise.race([exited, sleep(graceMs, undefined, { ref: false })]);
    }
    // Also what a file that ended well has left behind: it would keep the pipes open.
    signalGroup(child, 'SIGKILL');
    const [code, killedBy] = await exited;
    clearTimeout(this.#idleTimer);
    await Promise.race([closed, sleep(graceMs, undefined, { ref: false })]);
    for (const stream of child.stdio) stream?.destroy();
    const how = killedBy ?? `exit code ${code}`;
    if (timeout.aborted && where) this.#fail(`did not end within ${timeoutMs / 1_000} s: ${where}`);
    else if (idle.aborted)
      this.#fail('did not end though its tests were over, of which some failed');
    else if (where) this.#fail(`was stopped: ${where}`);
    else if (!this.#complete) this.#fail(`ended with ${how}: ${this.#where()}`);
    else if (code !== 0 && !this.#failed) this.#fail(`ended with ${how}, but no test failed`);
  }

  #start(): ChildProcess {
    const { namePatterns = [] } = this.#options;
    const path = resolve(this.#root, this.#file);
    const patterns = namePatterns.map((pattern) => `--test-name-pattern=${pattern}`);
    const child = spawn(process.execPath, [`--test-reporter=${reporter}`, ...patterns, path], {
      cwd: this.#root,
      // By which a process would tell its events to another runner.
      env: { ...process.env, NODE_TEST_CONTEXT: undefined },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    for (const type of ['stdout', 'stderr'] as const) {
      child[type]?.setEncoding('utf8').on('data', (message: string) => {
        this.#tell({ type: `test:${type}`, data: { file: path, message } });
      });
    }
    const events = createInterface(child.stdio[eventsFd] as Readable);
    events.on('line', (line) => this.#tell(JSON.parse(line, withError)));
    return child;
  }

  #tell(event: TestEvent): void {
    this.#unfinished.take(event);
    if (event.type === 'test:fail' && event.data.todo === undefined) this.#failed = true;
    if (event.type === 'test:summary') this.#complete = true;
    if (this.#failed) this.#waitForNext();
    this.#options.onEvent(event);
  }

  #waitForNext(): void {
    const { failedMs = 30_000 } = this.#options;
    clearTimeout(this.#idleTimer);
    if (this.#unfinished.size > 0) return;
    this.#idleTimer = setTimeout(() => this.#idle.abort(), failedMs).unref();
  }

  #where(): string {
    if (this.#complete) return 'all tests were over, and its process went on';
    const names = this.#unfinished.names();
    return names.length === 0 ? 'no test had begun' : `unfinished: ${names.join('; ')}`;
  }

  #fail(trouble: string): void {
    const error = { code: 'ERR_TEST_FAILURE', failureType: 'testCodeFailure', text: trouble };
    const details = { duration_ms: 0, type: 'test' as const, error: errorOf(error) };
    const place = { file: resolve(this.#root, this.#file), line: 1, column: 1 };
    const data = { name: this.#file, nesting: 0, testNumber: 1, testId: 0, details, ...place };
    this.#tell({ type: 'test:fail', data: { ...data, parentId: undefined, tags: [] } });
  }
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function withError(key: string, value: unknown): unknown {
  return key === 'error' ? errorOf(value as ToldError) : value;
}

/** An error that reporters show as its process would have shown it. */
function errorOf({ code, failureType, text }: ToldError) {
  const cause = Object.assign(new Error(text), { [inspect.custom]: () => text });
  return Object.assign(new Error(text), { code, failureType, cause });
}
