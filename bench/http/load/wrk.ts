import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Subject } from '../setup.ts';
import type { Stage } from '../stage.ts';
import { findTool } from '../tools.ts';
import type { LoadResult, Target } from './load-result.ts';

/** Sends the requests of a file, one `HOST PATH` per line, in turn; made before the start. */
const script = `
local requests, at = {}, 0
function init(args)
  for line in io.lines(args[1]) do
    local host, path = line:match("^(%S+) (%S+)$")
    requests[#requests + 1] = wrk.format("GET", path, { Host = host })
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`;

export interface WrkOptions {
  readonly connections: number;
  readonly seconds: number;
}

export type Wrk = (subject: Subject, options: WrkOptions) => Promise<LoadResult>;

/** Closed-loop load over HTTP/1.1, over TLS where the subject has it. `name`: of its files. */
export function wrkFor(stage: Stage, targets: readonly Target[], name = 'wrk'): Wrk {
  const [only] = targets;
  if (targets.length === 1 && only!.host === undefined) {
    return (subject, options) => drive(stage, options, urlOf(subject, only!.path), []);
  }
  const lines = targets.map(({ host, path }) => `${host ?? 'localhost'} ${path}\n`);
  const list = stage.write(`${name}.targets`, lines.join(''));
  const lua = stage.write(`${name}.lua`, script);
  return (subject, options) => drive(stage, { ...options, lua }, urlOf(subject, '/'), ['--', list]);
}

/** @throws when any answer was an error or was not 2xx. */
async function drive(
  stage: Stage,
  { connections, seconds, lua }: WrkOptions & { lua?: string },
  url: string,
  scriptArguments: readonly string[],
): Promise<LoadResult> {
  const options = ['-t1', `-c${connections}`, `-d${seconds}s`, ...(lua ? ['-s', lua] : [])];
  const command = [findTool('wrk')!, ...options, url, ...scriptArguments];
  const pinned = ['-c', String(stage.cores.load), ...command];
  const { stdout } = await promisify(execFile)('taskset', pinned);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(stdout)) {
    throw new Error(`the load was not answered cleanly:\n${stdout}`);
  }
  return { requests, perSecond };
}

export function urlOf({ httpPort, httpsPort }: Subject, path: string): string {
  return httpsPort === 0
    ? `http://127.0.0.1:${httpPort}${path}`
    : `https://localhost:${httpsPort}${path}`;
}
