import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import type { NodeStatus } from '../../src/admin/node-view.ts';
import { systemClock } from '../../src/base/clock.ts';
import type { DnsExplanation } from '../../src/dns/explain.ts';
import { createAuthority, issueRegionIdentity } from '../../src/link/authority.ts';
import { createLog } from '../../src/observability/log.ts';
import { startNode } from '../../src/region/node.ts';
import { takeStateDirectory } from '../../src/region/start/state-directory.ts';
import { DelayingRelay } from '../support/delaying-relay.ts';
import { commandPath, requireCommand } from '../support/requirements.ts';
import { takeLoopback, until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const skip = requireCommand('chromium') ?? requireCommand('dig');
/** One way, between the browser and each region. The nearest by distance is not the nearest. */
const delaysMs = { 'eu-west-1': 30, 'us-east-1': 8, 'ap-southeast-1': 55 } as const;
const names = Object.keys(delaysMs) as (keyof typeof delaysMs)[];
const locations = {
  'eu-west-1': { latitude: 53.3, longitude: -6.3 },
  'us-east-1': { latitude: 38.9, longitude: -77.4 },
  'ap-southeast-1': { latitude: 1.35, longitude: 103.8 },
};
/** The browser has one address. */
const minimumReports = 1;

const chromiumFlags = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--remote-debugging-port=0',
];

type AddressOf = (name: string) => string;

/** Three regions, each behind a relay that browsers reach it by. Only pages of `site` may report. */
async function startRegions(
  t: TestContext,
  directory: string,
  { addressOf, loopback, site }: { addressOf: AddressOf; loopback: number; site: string },
): Promise<void> {
  const relays = new Map<string, DelayingRelay>();
  for (const name of names) {
    const target = { host: addressOf(name), port: 8080 };
    const relay = await DelayingRelay.start(`127.${loopback}.9.1`, target, delaysMs[name]);
    t.after(() => relay.close());
    relays.set(name, relay);
  }
  const origin = (name: string) => `http://127.${loopback}.9.1:${relays.get(name)!.port}`;
  const document = {
    regions: Object.fromEntries(
      names.map((name) => [name, { address: addressOf(name), location: locations[name] }]),
    ),
    threads: { gateway: 1, dns: 1 },
    dns: { rateLimit: false },
    latency: {
      beacon: {
        regions: Object.fromEntries(names.map((name) => [name, origin(name)])),
        minimumReports,
        window: '1s',
        sample: 1,
        origins: [site],
      },
    },
    zones: { 'a.test': { records: [{ name: 'www', type: 'A', routing: 'latency' }] } },
  };
  const configPath = join(directory, 'meridian.json');
  await writeFile(configPath, JSON.stringify(document));
  const authority = await createAuthority();
  for (const region of names) {
    const stateDirectory = join(directory, region);
    await (await takeStateDirectory(stateDirectory)).release();
    const { cert, key } = await issueRegionIdentity(authority, region);
    await mkdir(join(stateDirectory, 'identity'));
    const files = { 'ca.pem': authority.cert, 'cert.pem': cert, 'key.pem': key };
    for (const [file, text] of Object.entries(files)) {
      await writeFile(join(stateDirectory, 'identity', file), text, { mode: 0o600 });
    }
    const log = createLog({ region, clock: systemClock, write: () => undefined });
    const options = { region, stateDirectory, configPath, adminToken: undefined };
    const node = await startNode({ ...options, version: '0', log });
    t.after(() => node.close());
  }
}

/** A site of somebody else, whose page includes the script and is looked at again and again. */
async function startSite(t: TestContext, host: string, script: string): Promise<string> {
  const page = `<!doctype html><script async src="${script}"></script>
    <script>setTimeout(() => location.reload(), 4000)</script>`;
  const site = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html').end(page);
  });
  await once(site.listen(0, host), 'listening');
  t.after(() => void site.close().closeAllConnections());
  return `http://${host}:${(site.address() as AddressInfo).port}`;
}

async function startBrowser(t: TestContext, directory: string, url: string): Promise<void> {
  const profile = `--user-data-dir=${join(directory, 'profile')}`;
  const browser = spawn(commandPath('chromium')!, [...chromiumFlags, profile, url], {
    stdio: 'ignore',
  });
  await once(browser, 'spawn');
  t.after(async () => {
    if (browser.exitCode !== null) return;
    const ended = once(browser, 'exit');
    browser.kill('SIGTERM');
    await ended;
  });
}

test('a browser measures the regions, and every name server answers with the one that is nearest to it', {
  skip,
}, async (t) => {
  const directory = await temporaryDirectory('beacon');
  t.after(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const { loopback, lock } = await takeLoopback();
  t.after(() => lock.release());
  const addressOf = (name: string) => `127.${loopback}.${names.indexOf(name as never) + 1}.1`;
  const reporter = 'eu-west-1';
  const script = `http://${addressOf(reporter)}:8080/.meridian/latency/script.js`;
  const site = await startSite(t, `127.${loopback}.9.2`, script);
  await startRegions(t, directory, { addressOf, loopback, site });
  const dig = async (at: string) => {
    const subnet = '+subnet=127.0.0.0/24';
    const words = ['www.a.test', 'A', subnet, '+tries=4', '+timeout=10'];
    const args = [`@${addressOf(at)}`, '-p', '5300', ...words];
    const { stdout } = await promisify(execFile)('dig', args);
    const [, scope] = /CLIENT-SUBNET: \S+?\/24\/(\d+)/.exec(stdout) ?? [];
    const [, address] = /^www\.a\.test\.\s.*\sA\s(\S+)$/m.exec(stdout) ?? [];
    return { address, scope };
  };
  const headers = { connection: 'close' };
  const show = async (at: string, path: string) =>
    (await fetch(`http://${addressOf(at)}:9000${path}`, { headers })).json();
  const status = (at: string) => show(at, '/status') as Promise<NodeStatus>;
  await until('the regions are healthy', async () => {
    const states = (await Promise.all(names.map(status))).flatMap(({ regions }) => regions);
    return states.every(({ gateway }) => gateway.state === 'healthy');
  });
  for (const name of names) {
    const isItself = async () => (await dig(name)).address === addressOf(name);
    await until(`nothing is measured: ${name} answers with itself`, isItself);
  }

  await startBrowser(t, directory, `${site}/`);
  await until(
    'enough reports',
    async () => {
      const { accepted = 0 } = (await status(reporter)).measuredLatency ?? {};
      return accepted >= minimumReports;
    },
    120_000,
  );
  for (const name of names) {
    await until(`the name server of ${name} knows`, async () => {
      const { address, scope } = await dig(name);
      return address === addressOf('us-east-1') && scope === '24';
    });
  }

  const asked = '/explain/dns?name=www.a.test&type=A&client=127.0.0.1';
  const roundTripMs = (region: string) => 2 * delaysMs[region as keyof typeof delaysMs];
  let told = '';
  // A busy machine adds to some of what is measured; a handshake would be in all of it.
  const isWithoutHandshake = async () => {
    const { rule, steps } = (await show('ap-southeast-1', asked)) as DnsExplanation;
    assert.match(rule, /as browsers there reported \(\S+ ms to us-east-1, .* reports, confidence/);
    const measured = steps[0]?.steering?.candidates ?? [];
    told = measured.map(({ region, latencyMs }) => `${region} ${latencyMs} ms`).join();
    return (
      measured.length === names.length &&
      measured.every(({ region, latencyMs = 0 }) => {
        assert.ok(latencyMs >= roundTripMs(region) - 2, told);
        return roundTripMs(region) <= 50 || latencyMs < 2 * roundTripMs(region);
      })
    );
  };
  await until('no handshake is in it', isWithoutHandshake, 120_000).finally(() => {
    t.diagnostic(told);
  });
});
