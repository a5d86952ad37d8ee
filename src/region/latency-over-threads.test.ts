import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { eventually, eventuallyRight } from '../../test/support/eventually.ts';
import { freePorts } from '../../test/support/free-ports.ts';
import { systemClock } from '../base/clock.ts';
import { lookup } from '../dns/client.ts';
import { createLog } from '../observability/log.ts';
import { startNode } from './node.ts';
import { takeStateDirectory } from './start/state-directory.ts';

const address = '127.0.94.9';
const other = '127.0.94.10';
/** Each has a port of its own, so all threads answer some. */
const queries = 12;

test('what browsers report steers all DNS threads, also after a restart; no address is kept', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-latency-'));
  t.after(() => rm(directory, { recursive: true }));
  const state = join(directory, 'state');
  const [http, https, dns, link, admin] = await freePorts(5, address);
  const configPath = join(directory, 'meridian.json');
  const record = { name: 'www', type: 'A', routing: 'latency', evaluate: 'none' };
  const document = {
    regions: {
      here: { address, location: { latitude: 1, longitude: 2 } },
      there: { address: other, location: { latitude: 50, longitude: 2 } },
    },
    ports: { http, https, dns, link, admin },
    threads: { gateway: 2, dns: 2 },
    accessLog: true,
    latency: {
      beacon: {
        regions: { here: `http://${address}:${http}`, there: `http://${other}:${http}` },
        minimumReports: 3,
      },
    },
    zones: { 'a.test': { records: [record] } },
  };
  await writeFile(configPath, JSON.stringify(document));
  await (await takeStateDirectory(state)).release();
  const lines: string[] = [];
  const log = createLog({ region: 'here', clock: systemClock, write: (line) => lines.push(line) });
  const options = { region: 'here', stateDirectory: state, adminToken: undefined };
  const start = () => startNode({ ...options, configPath, version: '0', log });
  const report = (localAddress: string) =>
    new Promise<number>((resolve, reject) => {
      const path = '/.meridian/latency/report';
      request({ host: address, port: http, path, method: 'POST', localAddress }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      })
        .on('error', reject)
        .end(JSON.stringify({ version: 1, milliseconds: { here: 80.5, there: 20 } }));
    });
  const answered = async (subnet: string) => {
    const question = { name: 'www.a.test', type: 'A', subnet, timeoutMs: 15_000 };
    const asked = { server: address, port: dns!, ...question };
    const all = await Promise.all(Array.from({ length: queries }, () => lookup(asked)));
    const seen = all.map(({ answers, ecsScope }) => `${answers[0]?.data} /${ecsScope}`);
    return [...new Set(seen)].join();
  };
  const show = async (path: string) => (await fetch(`http://${address}:${admin}${path}`)).text();
  let node = await start();
  try {
    assert.equal(await answered('127.9.1.0/24'), `${address} /8`, 'by distance');
    for (let host = 17; host < 20; host++) assert.equal(await report(`127.9.1.${host}`), 204);
    assert.equal(await report('127.9.1.17'), 204);
    const nearer = `${other} /24`;
    await eventually('the reports', async () => (await answered('127.9.1.0/24')) === nearer);
    assert.equal(await answered('127.9.2.0/24'), `${address} /23`, 'beside it');
    const explained = JSON.parse(
      await show('/explain/dns?name=www.a.test&type=A&client=127.9.1.9'),
    );
    assert.match(
      explained.rule,
      /^latency: lowest measured round trip .*, as browsers there reported \(20 ms to there, ± 0 ms, by 3 reports, confidence 0\.5, on average \d+ s old\)$/,
    );
    const counted = [
      'reports_total 3',
      'reports_refused_total{reason="repeated"} 1',
      'networks 1',
      'networks_believed 1',
    ];
    await eventuallyRight(async () => {
      const page = await show('/metrics');
      const isThere = (line: string) => page.includes(`\nmeridian_measured_latency_${line}\n`);
      assert.deepEqual(counted.filter(isThere), counted);
    });
    await node.close();
    node = await start();
    await eventually('what was known', async () => (await answered('127.9.1.0/24')) === nearer);
  } finally {
    await node.close();
  }
  assert.ok((await readdir(state)).includes('measured-latency.jsonl'));
  for (const file of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const text = await readFile(join(file.parentPath, file.name), 'latin1');
    assert.doesNotMatch(text, /127\.9\.1\.1|7f09011/, file.name);
  }
  assert.doesNotMatch(lines.join(), /127\.9\.1\./);
});
