/**
 * Stands for `meridian run` in tests of the supervisor: answers the admin API of its
 * region as a node of a complete stack would. FAKE_NODE names what it does wrong, and
 * where: `exit:eu`, `unready:eu`, `deaf:eu` (ignores requests to end), `degraded:eu`,
 * `refusing:eu` (it serves something else than its file),
 * `serviceless:eu` (nobody sees the service of eu), `second:eu` (it starts once only).
 * Another place than a region: `exit:eu/b`, a node of several.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { fileRefusal } from '../../region/start/file-refusal.ts';

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    region: { type: 'string', default: '' },
    node: { type: 'string' },
    seed: { type: 'string', default: '' },
    config: { type: 'string', default: '' },
    state: { type: 'string', default: '' },
  },
});
const config = JSON.parse(readFileSync(values.config, 'utf8'));
const { region: own, node } = values;
const title = node === undefined ? own : `${own}/${node}`;
const [fault, faultPlace] = (process.env.FAKE_NODE ?? '').split(':');
const has = (name: string) => fault === name && faultPlace === title;

console.log(`fake node of ${title}, token file ${process.env.MERIDIAN_ADMIN_TOKEN_FILE}`);
console.log(`seed ${values.seed}`);
const startedBefore = join(values.state, 'started');
const isSecond = existsSync(startedBefore);
writeFileSync(startedBefore, '');
if (has('exit') || (has('second') && isSecond)) {
  console.error('the fake node fails on purpose');
  process.exit(3);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.log(`got ${signal}`);
    if (!has('deaf')) process.exit(0);
  });
}

interface Region {
  readonly address: string;
  readonly nodes?: Readonly<Record<string, { readonly address: string }>>;
}

const status = {
  region: own,
  node: node ?? own,
  degraded: [
    ...(fault === 'degraded' ? ['a thing is degraded'] : []),
    ...(has('refusing') ? [fileRefusal('no such file')] : []),
  ],
  store: { engine: 'memory', reachable: true, buckets: [] },
  revision: {
    ...{ source: 'file', sequence: 0, hash: 'ab' },
    ...(has('refusing') && { fileRefused: 'no such file' }),
  },
  regions: Object.entries<Region>(config.regions).map(([name, { address, nodes = {} }]) => ({
    name,
    gateway: { state: has('unready') ? 'unknown' : 'healthy', reason: '' },
    draining: false,
    addresses: Object.entries({ ...(nodes.a ? {} : { [name]: { address } }), ...nodes }).map(
      ([of, at]) => ({ ...at, node: of, state: 'healthy', draining: false }),
    ),
  })),
  services: Object.entries<{ endpoints: object }>(config.services ?? {}).flatMap(
    ([name, { endpoints }]) =>
      Object.keys(endpoints).map((region) => {
        const isDown = fault === 'serviceless' && faultPlace === region;
        const state = isDown ? 'unhealthy' : 'healthy';
        return { name, region, state, reason: `${region} says down`, endpoints: [] };
      }),
  ),
};

const server = createServer((request, response) => {
  response.end(JSON.stringify(request.url === '/ready' ? { ready: true } : status));
});
const place: Region = config.regions[own];
const { address } = node === undefined ? place : place.nodes![node]!;
server.listen(config.ports.admin, address);
