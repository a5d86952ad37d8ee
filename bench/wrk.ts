import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { loadCore } from './pinned-process.ts';

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
}

/** Drives a URL with wrk. @throws when any answer was an error or was not 2xx. */
export async function drive(
  url: string,
  connections: number,
  seconds: number,
): Promise<LoadResult> {
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, url];
  const { stdout } = await promisify(execFile)('taskset', ['-c', String(loadCore), ...wrk]);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`the load was not answered cleanly:\n${stdout}`);
  }
  return { requests, perSecond };
}
