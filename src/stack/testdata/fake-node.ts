/**
 * Stands for `meridian run` in tests of the supervisor: answers the admin API of its
 * region as a node of a complete stack would. FAKE_NODE names what it does wrong, and
 * where: `exit:eu`, `unready:eu`, `deaf:eu` (ignores requests to end), `degraded:eu`,
 * `serviceless:eu` (nobody sees the service of eu).
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    region: { type: 'string', default: '' },
    config: { type: 'string', default: '' },
    state: { type: 'string', default: '' },
  },
});
const config = JSON.parse(readFileSync(values.config, 'utf8'));
const [fault, faultRegion] = (process.env.FAKE_NODE ?? '').split(':');
const has = (name: string) => fault === name && faultRegion === values.region;

console.log(`fake node of ${values.region}, token file ${process.env.MERIDIAN_ADMIN_TOKEN_FILE}`);
if (has('exit')) {
  console.error('the fake node fails on purpose');
  process.exit(3);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    console.log(`got ${signal}`);
    if (!has('deaf')) process.exit(0);
  });
}

const status = {
  region: values.region,
  degraded: fault === 'degraded' ? ['a thing is degraded'] : [],
  store: { engine: 'memory', reachable: true },
  regions: Object.keys(config.regions).map((name) => ({
    name,
    gateway: { state: has('unready') ? 'unknown' : 'healthy', reason: '' },
  })),
  services: Object.entries<{ endpoints: object }>(config.services ?? {}).flatMap(
    ([name, { endpoints }]) =>
      Object.keys(endpoints).map((region) => {
        const isDown = fault === 'serviceless' && faultRegion === region;
        const state = isDown ? 'unhealthy' : 'healthy';
        return { name, region, state, reason: `${region} says down`, endpoints: [] };
      }),
  ),
};

const server = createServer((request, response) => {
  response.end(JSON.stringify(request.url === '/ready' ? { ready: true } : status));
});
server.listen(config.ports.admin, config.regions[values.region].address);
