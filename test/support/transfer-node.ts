import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { type LookupAnswer, lookup } from '../../src/dns/client.ts';
import { createLog } from '../../src/observability/log.ts';
import { type RegionNode, startNode } from '../../src/region/node.ts';
import { takeStateDirectory } from '../../src/region/start/state-directory.ts';
import { freePorts } from './free-ports.ts';
import { temporaryDirectory } from './temporary-directory.ts';

export const transferSecret = Buffer.from('a secret of two name servers').toString('base64');
const location = { latitude: 1, longitude: 2 };

/** A node with two name server threads and the key `transfer.test`, in a directory of its own. */
export async function transferNode(address: string) {
  const directory = await temporaryDirectory('transfers');
  const state = join(directory, 'state');
  const [http, https, dns, link, admin] = await freePorts(5, address);
  const configPath = join(directory, 'meridian.json');
  await writeFile(join(directory, 'tsig.key'), transferSecret, { mode: 0o600 });
  const logged: string[] = [];
  const log = createLog({ region: 'here', clock: systemClock, write: (line) => logged.push(line) });
  let node: RegionNode | undefined;
  return {
    dns: dns!,
    logged,
    configure: (zones: object, moreDns: object = {}) =>
      writeFile(
        configPath,
        JSON.stringify({
          regions: { here: { address, location } },
          ports: { http, https, link, admin, dns },
          threads: { gateway: 1, dns: 2 },
          dns: { transferKeys: { 'transfer.test': { secret: 'tsig.key' } }, ...moreDns },
          zones,
        }),
      ),
    async start() {
      await (await takeStateDirectory(state)).release();
      const options = { region: 'here', stateDirectory: state, adminToken: undefined };
      node = await startNode({ ...options, configPath, version: '0', log });
    },
    reload: () => node?.reload(),
    async close() {
      await node?.close();
      node = undefined;
    },
    /** Text of what the admin API gives. */
    admin: async (path: string) => {
      const response = await fetch(`http://${address}:${admin}${path}`);
      return response.text();
    },
  };
}

export const ask = (server: string, port: number, name: string, type = 'A') =>
  lookup({ server, port, name, type, timeoutMs: 15_000 });

/** In each thread: a question from a port of its own goes to any of them, and each has to answer. */
export async function isEverywhere(
  server: string,
  port: number,
  name: string,
  is: (answer: LookupAnswer) => boolean,
): Promise<boolean> {
  const asked = Array.from({ length: 12 }, () => ask(server, port, name).then(is, () => false));
  return !(await Promise.all(asked)).includes(false);
}

export const gives = (value: string) => (answer: LookupAnswer) => answer.answers[0]?.data === value;
