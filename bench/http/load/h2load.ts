import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Subject } from '../setup.ts';
import type { Stage } from '../stage.ts';
import { findTool } from '../tools.ts';
import type { LoadResult } from './load-result.ts';
import { urlOf } from './wrk.ts';

export interface H2loadOptions {
  readonly connections: number;
  /** Requests in flight on each. */
  readonly streams: number;
  readonly seconds: number;
}

/** Closed-loop load over HTTP/2 and TLS. @throws when a request failed or was not answered 2xx. */
export async function h2load(
  stage: Stage,
  subject: Subject,
  path: string,
  { connections, streams, seconds }: H2loadOptions,
): Promise<LoadResult> {
  const options = ['-t1', `-c${connections}`, `-m${streams}`, `-D${seconds}`];
  const command = [findTool('h2load')!, ...options, urlOf(subject, path)];
  const pinned = ['-c', String(stage.cores.load), ...command];
  const { stdout } = await promisify(execFile)('taskset', pinned);
  const figures = /(\d+) total, .* (\d+) succeeded, (\d+) failed, (\d+) errored/.exec(stdout);
  const perSecond = Number(/, ([\d.]+) req\/s/.exec(stdout)?.[1]);
  const [requests, failed] = [Number(figures?.[2]), Number(figures?.[3])];
  const overHttp2 = /^Application protocol: h2$/m.test(stdout);
  if (!(requests > 0) || failed !== 0 || !overHttp2 || !/ 0 4xx, 0 5xx/.test(stdout)) {
    throw new Error(`the load was not answered cleanly:\n${stdout.slice(-1_500)}`);
  }
  return { requests, perSecond };
}
