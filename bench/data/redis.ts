import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../http/stage.ts';
import { ReplySocket, redisReplies } from './reply-socket.ts';

/** One Redis that has a write on disk before it confirms it, as a leaf and the hub have. */
export class Redis {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #port: number;

  private constructor(child: ChildProcess, directory: string, port: number) {
    this.#child = child;
    this.#directory = directory;
    this.#port = port;
  }

  /** `undefined` where there is none on PATH. */
  static async start(): Promise<Redis | undefined> {
    if (spawnSync('redis-server', ['--version']).status !== 0) return undefined;
    const port = await freePort();
    const directory = mkdtempSync(join(tmpdir(), 'meridian-redis-'));
    const settings = { port, bind: '127.0.0.1', dir: directory, save: '' };
    const durable = { appendonly: 'yes', appendfsync: 'always' };
    const args = Object.entries({ ...settings, ...durable }).flatMap(([name, value]) => [
      `--${name}`,
      String(value),
    ]);
    const child = spawn('redis-server', args, { stdio: 'ignore' });
    return new Redis(child, directory, port);
  }

  async connect(): Promise<ReplySocket> {
    for (let tries = 0; ; tries++) {
      try {
        return await ReplySocket.open('127.0.0.1', this.#port, redisReplies);
      } catch (error) {
        if (tries === 50) throw error;
        await sleep(100);
      }
    }
  }

  async close(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A command in the protocol of Redis. */
export function redisCommand(...words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
