import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { identify, isAlive, type ProcessIdentity } from './identity.ts';
import { signal } from './marked.ts';

export type ProcessKind = 'node' | 'service' | 'hub' | 'leaf';

/** One process of a stack: what to run, and where its output goes. */
export interface ProcessSpec {
  /** `eu-west-1/node`, `eu-west-1/node/a`, `eu-west-1/service/rates`, `eu-west-1/store/hub`. */
  readonly id: string;
  readonly kind: ProcessKind;
  readonly region: string;
  /** For kind `node`, where the region names its nodes. */
  readonly node?: string;
  /** The service, for kind `service`. */
  readonly service?: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly directory: string;
  /** The whole environment, the mark of the stack included. */
  readonly environment: NodeJS.ProcessEnv;
  readonly logPath: string;
}

export type ProcessState = 'running' | 'frozen' | 'stopped';

/** How a process ended. `error`: it could not be started at all. */
export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly error?: string;
  /** Somebody had asked for it: kill, or stop. */
  readonly asked: boolean;
}

export type ProcessEvent =
  | { readonly type: 'spawned'; readonly pid: number }
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals; readonly pid: number }
  | ({ readonly type: 'exited' } & ProcessExit);

/**
 * A child of the supervisor, in a session of its own, so that a Ctrl-C at the terminal
 * reaches the supervisor alone and the order of the stop is ours.
 *
 *              start                 freeze
 *   stopped ──────────▶ running ◀────────────▶ frozen
 *      ▲                   │         thaw         │
 *      └──── its exit ─────┴───────── kill ───────┘
 *
 * Signals go to the process group: a service may be a shell or npm with the real program
 * below it. A group is only signalled while its leader has not been reaped, and once at
 * its reaping, so that its number cannot have come to mean another group.
 */
export class StackProcess {
  #spec: ProcessSpec;
  readonly #onEvent: (process: StackProcess, event: ProcessEvent) => void;
  #spawned: ProcessSpec | undefined;
  #state: ProcessState = 'stopped';
  #identity: ProcessIdentity | undefined;
  #ended: Promise<void> = Promise.resolve();
  #asked = false;
  #lastExit: ProcessExit | undefined;
  #logStart = 0;

  constructor(spec: ProcessSpec, onEvent: (process: StackProcess, event: ProcessEvent) => void) {
    this.#spec = spec;
    this.#onEvent = onEvent;
  }

  get spec(): ProcessSpec {
    return this.#spec;
  }

  /** From its next start on. */
  respec(spec: ProcessSpec): void {
    this.#spec = spec;
  }

  /** Whether it runs, and not as it would be started now. */
  get isOutdated(): boolean {
    return this.#state !== 'stopped' && !isDeepStrictEqual(this.#spawned, this.#spec);
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Whether it runs, and was told to end, or has ended unnoticed as yet: `ended` will resolve. */
  get isEnding(): boolean {
    if (this.#state === 'stopped' || !this.#identity) return false;
    return this.#asked || !isAlive(this.#identity);
  }

  get identity(): ProcessIdentity | undefined {
    return this.#identity;
  }

  get lastExit(): ProcessExit | undefined {
    return this.#lastExit;
  }

  /** Where in the log the output of the present or last run begins, in bytes. */
  get logStart(): number {
    return this.#logStart;
  }

  /** Resolves when the process that runs now has ended; at once when none does. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** Spawns it. False when it runs already. */
  start(): boolean {
    if (this.#state !== 'stopped') return false;
    const child = this.#spawn();
    this.#spawned = this.#spec;
    this.#asked = false;
    this.#ended = new Promise((resolve) => {
      const settle = (exit: Omit<ProcessExit, 'asked'>) => {
        this.#exited({ ...exit, asked: this.#asked }, child.pid);
        resolve();
      };
      child.once('error', ({ message }) => {
        if (child.pid === undefined) settle({ code: null, signal: null, error: message });
      });
      child.once('exit', (code, signalName) => settle({ code, signal: signalName }));
    });
    if (child.pid === undefined) return true;
    child.unref(); // One that nothing can end must not keep the supervisor from ending.
    this.#state = 'running';
    this.#identity = identify(child.pid);
    this.#onEvent(this, { type: 'spawned', pid: child.pid });
    return true;
  }

  /** SIGKILL, frozen or not. False when it does not run. */
  kill(): boolean {
    this.#asked = true;
    return this.#signal('SIGKILL');
  }

  /** Asks it to end; a frozen one cannot hear and is killed. False when it does not run. */
  stop(signalName: 'SIGTERM' | 'SIGINT'): boolean {
    this.#asked = true;
    return this.#signal(this.#state === 'frozen' ? 'SIGKILL' : signalName);
  }

  /** Has a store server read its file again. */
  reload(): boolean {
    return this.#signal('SIGHUP');
  }

  freeze(): boolean {
    if (this.#state !== 'running' || !this.#signal('SIGSTOP')) return false;
    this.#state = 'frozen';
    return true;
  }

  thaw(): boolean {
    if (this.#state !== 'frozen' || !this.#signal('SIGCONT')) return false;
    this.#state = 'running';
    return true;
  }

  #spawn(): ChildProcess {
    const { command, args, directory, environment, logPath } = this.spec;
    mkdirSync(dirname(logPath), { recursive: true, mode: 0o700 });
    const log = openSync(logPath, 'a', 0o600);
    try {
      this.#logStart = statSync(logPath).size;
      return spawn(command, args, {
        cwd: directory,
        env: environment,
        detached: true,
        stdio: ['ignore', log, log],
      });
    } finally {
      closeSync(log);
    }
  }

  #signal(name: NodeJS.Signals): boolean {
    const pid = this.#identity?.pid;
    if (pid === undefined) return false;
    this.#onEvent(this, { type: 'signal', signal: name, pid });
    return signal(-pid, name);
  }

  #exited(exit: ProcessExit, pid: number | undefined): void {
    if (pid !== undefined) signal(-pid, 'SIGKILL');
    this.#state = 'stopped';
    this.#identity = undefined;
    this.#lastExit = exit;
    this.#onEvent(this, { type: 'exited', ...exit });
  }
}
