import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { configSchema } from '../../config/schema/config.ts';
import { DnsMetrics } from '../../observability/dns-metrics.ts';
import { createExchange } from '../testdata/exchange.ts';
import { rawQuery } from '../testdata/raw-query.ts';
import { createDnsServer, type DnsServer, type DnsServerOptions } from './server.ts';

const run = promisify(execFile);
const version = await run('dig', ['-v']).catch(() => undefined);
const skip = version === undefined && 'dig is not installed';

const cookieSecret = new Uint8Array(32);

async function createLimited(options: DnsServerOptions) {
  const server = await createDnsServer(options);
  return { port: server.port, [Symbol.asyncDispose]: () => server.close() };
}

describe('what BIND’s dig makes of our answers', { skip }, () => {
  let server: DnsServer;

  before(async () => {
    const { options } = createExchange();
    const dns = configSchema.shape.dns.parse({ identifier: 'ns1-{region}' });
    const config = { ...options.config, dns };
    const metrics = new DnsMetrics();
    const listen = { host: '127.0.0.1', port: 0, reusePort: false, metrics };
    server = await createDnsServer({ ...options, config, cookieSecret, ...listen });
  });
  after(() => server.close());

  async function dig(...args: string[]): Promise<string> {
    const common = ['@127.0.0.1', '-p', String(server.port), '+norecurse', '+tries=1', '+time=30'];
    const { stdout } = await run('dig', [...common, ...args]);
    assert.doesNotMatch(stdout, /WARNING|malformed|Messages has/i);
    return stdout;
  }

  test('dig +cookie, where responses are limited: BADCOOKIE, and then the answer', async () => {
    const dns = configSchema.shape.dns.parse({
      rateLimit: { responses: 1, window: '60s', slip: 1, exempt: [] },
    });
    const { options } = createExchange();
    const config = { ...options.config, dns };
    const listen = { host: '127.0.0.1', port: 0, reusePort: false, metrics: new DnsMetrics() };
    await using limited = await createLimited({ ...options, config, cookieSecret, ...listen });
    const ask = (...args: string[]) =>
      dig('-p', String(limited.port), 'static.exchange.test', ...args);
    // As many that the debt lasts for a minute.
    const flood = createSocket('udp4');
    const query = rawQuery({ name: 'static.exchange.test' });
    for (let count = 0; count < 100; count++) flood.send(query, limited.port, '127.0.0.1');
    await once(flood, 'message');
    flood.close();
    assert.match(await ask('+nocookie', '+ignore'), /flags: qr tc;[\s\S]*ANSWER: 0/);
    assert.match(await ask('+nocookie'), /ANSWER: 2[\s\S]*\(TCP\)/);
    assert.match(await ask('+cookie', '+nobadcookie'), /status: BADCOOKIE/);
    assert.match(await ask('+cookie'), /ANSWER: 2[\s\S]*\(UDP\)/);
  });

  const cases: [args: string, ...expected: RegExp[]][] = [
    [
      'RATES.exchange.test +subnet=81.2.69.0/24',
      /status: NOERROR/,
      /flags: qr aa;/,
      /CLIENT-SUBNET: 81\.2\.69\.0\/24\/16/,
      /^RATES\.exchange\.test\.\s+10\s+IN\s+A\s+127\.0\.2\.1$/m,
    ],
    ['rates.exchange.test +subnet=0', /CLIENT-SUBNET: 0\.0\.0\.0\/0\/0/, /127\.0\.1\.1/],
    ['rates.exchange.test +subnet=2001:db8::/32', /CLIENT-SUBNET: 2001:db8::\/32\/8/],
    ['rates.exchange.test +noedns', /ADDITIONAL: 0/, /127\.0\.1\.1/],
    ['static.exchange.test +tcp', /ANSWER: 2/, /192\.0\.2\.2/],
    ['big.exchange.test TXT +ignore +bufsize=512', /flags: qr aa tc;/, /ANSWER: 0/],
    ['big.exchange.test TXT', /ANSWER: 60/, /\(TCP\)/],
    ['nope.exchange.test', /status: NXDOMAIN/, /^exchange\.test\.\s+5\s+IN\s+SOA/m],
    ['CH TXT version.bind', /status: REFUSED/, /EDE: 18 \(Prohibited\)/],
    ['example.com', /status: REFUSED/, /EDE: 20 \(Not Authoritative\)/],
    ['static.exchange.test +cookie', /COOKIE: [0-9a-f]{16}01000000[0-9a-f]{24} \(good\)/],
    ['static.exchange.test +nsid', /NSID: .* \("ns1-us-east-1"\)/],
    ['CH TXT id.server', /status: NOERROR/, /^id\.server\.\s+0\s+CH\s+TXT\s+"ns1-us-east-1"$/m],
    ['static.exchange.test +tcp +keepalive', /TCP[- ]KEEPALIVE: 37\.0 secs/],
    ['static.exchange.test +ednsopt=65001:0102', /status: NOERROR/, /ANSWER: 2/],
    ['exchange.test SOA +edns=1 +noednsnegotiation', /status: BADVERS/],
    ['exchange.test +ednsopt=8:00011801', /status: FORMERR/],
    ['exchange.test ANY +notcp', /HINFO\s+"RFC8482" ""/],
    ['exchange.test AXFR', /Transfer failed/],
    [
      'x.lab.exchange.test',
      /flags: qr;/,
      /AUTHORITY: 2/,
      /ns1\.lab\.exchange\.test\.\s+10\s+IN\s+A/,
    ],
    ['exchange.test NS +dnssec', /flags: do;/, /ADDITIONAL: 4/],
  ];
  for (const [args, ...expected] of cases) {
    test(`dig ${args}`, async () => {
      const output = await dig(...args.split(' '));
      for (const pattern of expected) assert.match(output, pattern);
    });
  }
});
