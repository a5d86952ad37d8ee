import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createDnsServer } from '../../../src/dns/server/server.ts';
import { createExchange } from '../../../src/dns/testdata/exchange.ts';
import { healthy, unhealthy } from '../../../src/health/table.ts';
import { CounterBlock } from '../../../src/observability/counter-block.ts';
import { DnsMetrics } from '../../../src/observability/dns-metrics.ts';

/**
 * Runs in a network and mount namespace of its own, where the resolver of the machine is our name
 * server: opens a page in a browser while health flips, and prints what the browser showed.
 */
const [folder = '', browser = ''] = process.argv.slice(2);
execFileSync('ip', ['link', 'set', 'lo', 'up']);
const resolver = join(folder, 'resolv.conf');
writeFileSync(resolver, 'nameserver 127.0.0.1\noptions timeout:20 attempts:3\n');
execFileSync('mount', ['--bind', resolver, '/etc/resolv.conf']);

const name = 'api.browser.test';
const { options, topology, states } = createExchange({
  'browser.test': {
    ttl: '0s',
    records: [
      { name: 'api', type: 'A', routing: 'latency', service: 'rates' },
      { name: 'www', type: 'CNAME', values: ['api'] },
    ],
  },
});
const metrics = new DnsMetrics();
const listen = { host: '127.0.0.1', port: 53, reusePort: false };
const dns = await createDnsServer({ ...options, ...listen, metrics });
const pages = await Promise.all(
  topology.regions
    .filter(({ serves }) => serves)
    .map(async (region) => {
      const server = createServer((request, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(`<p id=region>${region.name} ${request.headers.host}</p>`);
      });
      await once(server.listen(80, region.addresses[0]!.address), 'listening');
      return server;
    }),
);

async function open(host: string): Promise<string> {
  const words = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    `--user-data-dir=${folder}/profile`,
  ];
  const child = spawn(browser, [...words, '--dump-dom', `http://${host}/`], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, HOME: folder },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  return /<p id="region">([^<]*)</.exec(text)?.[1] ?? text.slice(0, 200);
}

const service = topology.serviceIndex.get('rates')!;
const near = topology.regionIndex.get('us-east-1')!;
const shown: string[] = [await open(name)];
states.setService(service, near, unhealthy);
shown.push(await open(name), await open('www.browser.test'));
states.setService(service, near, healthy);
shown.push(await open(name));
const queries = CounterBlock.sum([metrics.block], 'queries').reduce((sum, one) => sum + one, 0);
console.log(JSON.stringify({ shown, queries }));
for (const page of pages) page.close();
await dns.close();
