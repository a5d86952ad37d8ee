import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { command, takeLoopback, until } from './stack.ts';
import { temporaryDirectory } from './temporary-directory.ts';

/** One node of a region called `here`, in a process of its own. */
export interface RunningNode {
  readonly address: string;
  readonly state: string;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

/** Starts a node from a configuration of which `{address}` is replaced by its address. */
export async function startNode(
  config: object,
  adminToken = '',
  more: NodeJS.ProcessEnv = {},
): Promise<RunningNode> {
  const { loopback, lock } = await takeLoopback();
  const address = `127.${loopback}.0.1`;
  const state = await temporaryDirectory('node');
  const path = join(state, 'meridian.json');
  await writeFile(path, JSON.stringify(config).replaceAll('{address}', address));
  const args = [command, 'run', '--region', 'here', '--config', path, '--state', state];
  const token = join(state, 'admin-token');
  await writeFile(token, adminToken, { mode: 0o600 });
  const env = { ...process.env, ...more, MERIDIAN_ADMIN_TOKEN_FILE: token };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  await until('the node is ready', () => {
    if (child.exitCode !== null) throw new Error('the node ended');
    return fetch(`http://${address}:9000/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      await ended;
    }
    await lock.release();
  };
  return { address, state, process: child, stop };
}
