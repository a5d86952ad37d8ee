import { readdir, readFile } from 'node:fs/promises';
import { filesBelow, type Written } from './secret-search.ts';
import { type RegionName, regionNames, type TestStack } from './stack.ts';

const commands = ['status', 'history', 'drift', 'secret list'];
/** A kept connection may end as it is asked again. */
const headers = { connection: 'close' };
const host = 'rates.exchange.test';
/** For parameters that resources of the admin API cannot do without. */
const parameterValues: Readonly<Record<string, string>> = {
  sequence: '2',
  url: `http://${host}/v1/rates`,
  name: host,
  type: 'A',
};

/**
 * All that a stack writes and shows: files of its state directory, with those of the store
 * servers; its output; what commands and each resource of the admin API answer; how its
 * processes were started.
 */
export async function everythingWritten(stack: TestStack): Promise<Written[]> {
  const said: Written[] = [];
  for (const words of commands.flatMap((name) => [name, `${name} --json`])) {
    const { stdout, stderr } = await stack.attempt(...words.split(' '));
    said.push({ place: `meridian ${words}`, bytes: Buffer.from(stdout + stderr) });
  }
  const pages = await Promise.all(regionNames.map((region) => adminPages(stack, region)));
  return [
    ...said,
    ...pages.flat(),
    ...(await filesBelow(stack.state)),
    ...(await processesOf(stack)),
    { place: 'meridian up', bytes: Buffer.from(stack.output) },
  ];
}

async function adminPages(stack: TestStack, region: RegionName): Promise<Written[]> {
  const base = `http://${stack.address(region)}:9000`;
  const { resources } = (await (await fetch(base, { headers })).json()) as {
    resources: { path: string; method: string; parameters?: Record<string, string> }[];
  };
  const readable = resources.filter(({ method }) => method === 'GET');
  const asked = readable.map(async ({ path, parameters = {} }): Promise<Written> => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameterValues)) {
      if (parameters[name] === 'required') query.set(name, value);
    }
    const answer = await fetch(`${base}${path}?${query}`, { headers });
    const place = `${region}: GET ${path} ${answer.status}`;
    return { place, bytes: Buffer.from(await answer.arrayBuffer()) };
  });
  return Promise.all(asked);
}

/**
 * Command lines and environments. Store servers are given their password by the
 * environment, as nats-server takes it: theirs is left out, nobody else may have it.
 */
async function processesOf(stack: TestStack): Promise<Written[]> {
  const found: Written[] = [];
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const read = (name: string) => readFile(`/proc/${pid}/${name}`).catch(() => Buffer.alloc(0));
    const [environment, commandLine] = await Promise.all([read('environ'), read('cmdline')]);
    if (!environment.includes(`MERIDIAN_STACK=${stack.state}\0`)) continue;
    const words = commandLine.toString().replaceAll('\0', ' ');
    found.push({ place: `command line of ${words}`, bytes: commandLine });
    const isStoreServer = words.includes('/store/');
    if (!isStoreServer) found.push({ place: `environment of ${words}`, bytes: environment });
  }
  return found;
}
