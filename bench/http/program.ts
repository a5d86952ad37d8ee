import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeCpuMicroseconds } from '../process-cpu.ts';

const killAfterMs = 10_000;
const quotedLogCharacters = 2_000;

/** A program that runs on one core, with what it prints in a file. */
export class Program {
  readonly #child: ChildProcess;
  readonly #logPath: string;

  constructor(core: number, command: readonly string[], logPath: string) {
    const log = openSync(logPath, 'w');
    this.#child = spawn('taskset', ['-c', String(core), ...command], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#logPath = logPath;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** User and system time so far, with all threads and children, in µs. */
  get cpuMicroseconds(): number {
    return treeCpuMicroseconds(this.pid);
  }

  /** What it has printed so far. */
  get log(): string {
    return readFileSync(this.#logPath, 'utf8');
  }

  /** Asks until `answers` resolves to true. @throws when the program ends first, or after `limitMs`. */
  async until(what: string, answers: () => Promise<boolean>, limitMs = 60_000): Promise<void> {
    const deadline = performance.now() + limitMs;
    while (performance.now() < deadline) {
      if (!this.running) throw new Error(`ended before ${what}: ${this.#quoted()}`);
      if (await answers()) return;
      await sleep(50);
    }
    throw new Error(`after ${limitMs / 1_000} s not yet ${what}: ${this.#quoted()}`);
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), killAfterMs);
    await ended;
    clearTimeout(force);
  }

  /** At once, without waiting. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #quoted(): string {
    return `${this.#child.spawnargs.join(' ')}\n${this.log.slice(-quotedLogCharacters)}`;
  }
}
