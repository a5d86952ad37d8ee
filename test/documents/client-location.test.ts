import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { atOnce } from '../../src/base/steps.ts';
import type { Config } from '../../src/config/schema/config.ts';
import { beaconSchema } from '../../src/config/schema/latency.ts';
import { formatDuration } from '../../src/config/schema/units.ts';
import { mostReportBytes, parseReport, reportRefusals } from '../../src/gateway/beacon/report.ts';
import { otherRefusals } from '../../src/region/latency/measured-latency.ts';
import type { ReportedLatencies } from '../../src/steering/context.ts';
import { createLocator } from '../../src/steering/geo/locator.ts';
import { confidenceOf } from '../../src/steering/latency/estimate.ts';
import { NetworkLatencies } from '../../src/steering/latency/network-latencies.ts';
import { intakeRefusals, networkKey } from '../../src/steering/latency/report-intake.ts';
import { parseNetwork } from '../../src/steering/network.ts';
import { mmdbFile } from '../../src/steering/testdata/mmdb-file.ts';
import { type Block, blocksOf, isBlock, partsOf, tableUnder } from './markdown.ts';
import { answerOf, explainerOf, guideLocator, type Place, zoneConfigOf } from './name-server.ts';

const page = 'docs/guides/client-location.md';
const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8');
const parts = partsOf(page);
const skip = guideLocator.source === undefined && 'there is no country data';
const [tableExample, beaconExample, geoExample] = blocksOf(page, 'yaml') as [Block, Block, Block];

/** Rows of the first table after a block that have a client and an answer. */
function rowsAfter(block: Block): Record<string, string>[] {
  const at = parts.findIndex((part) => isBlock(part) && part.place === block.place);
  for (const part of parts.slice(at + 1)) {
    if (isBlock(part) || !part.heading.includes('answer')) continue;
    return part.rows.map((cells) =>
      Object.fromEntries(part.heading.map((name, column) => [name, cells[column]!])),
    );
  }
  return assert.fail(`${block.place}: no table`);
}

function assertRows(config: Config, rows: readonly Record<string, string>[], place: Place = {}) {
  const explain = explainerOf(config, place);
  for (const { client, answer, rule } of rows) {
    const explained = explain('api.example.com', 'A', client);
    assert.deepEqual([answerOf(explained), explained.rule], [answer, rule], client);
  }
  assert.ok(rows.length >= 3);
}

test('the operator’s table is answered as the guide says', { skip }, () => {
  assertRows(zoneConfigOf(page, tableExample), rowsAfter(tableExample));
});

test('what browsers reported is answered as the guide says, with its confidence and age', {
  skip,
}, () => {
  const config = zoneConfigOf(page, beaconExample);
  const { beacon } = config.latency;
  assert.ok(beacon);
  const { minimumReports, expiry: expiryMs } = beacon;
  const decay = { expiryMs, halfLifeMs: expiryMs / 4 };
  const regions = Object.keys(beacon.regions);
  const latencies = new NetworkLatencies({ ...beacon, regions, decay });
  const rows = rowsAfter(beaconExample);
  for (const { network, ...row } of rows) {
    const told = regions.filter((name) => row[name] !== '–');
    for (let times = 0; times < minimumReports; times++) {
      const key = networkKey(parseNetwork(network!).address, beacon.ipv4Prefix);
      latencies.record(
        key,
        Uint8Array.of(times),
        told.map((name) => [name, Number(row[name])] as const),
        0,
      );
    }
  }
  const nowMs = 60_000;
  const reported: ReportedLatencies = {
    find: (address, region) => {
      const estimate = latencies.estimate(networkKey(address, beacon.ipv4Prefix), region, nowMs);
      if (!estimate) return undefined;
      const confidence = Math.round(confidenceOf(estimate, minimumReports) * 100) / 100;
      return { ...estimate, ageMs: nowMs - estimate.atMs, confidence };
    },
  };
  const measured = { cells: atOnce(latencies.compile(nowMs)) };
  assertRows(config, rows, { measured, reported });
});

async function cityLocator(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-guide-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'city.mmdb');
  const inStates = (iso_code: string) => ({
    country: { iso_code: 'US' },
    subdivisions: [{ iso_code }],
  });
  const networks = { '8.8.8.0/24': inStates('CA'), '9.9.9.0/24': inStates('NY') };
  await writeFile(path, mmdbFile(networks));
  return createLocator(path);
}

test('a city database is answered by as the guide says', async (t) => {
  const place = { locator: await cityLocator(t) };
  assertRows(zoneConfigOf(page, geoExample), rowsAfter(geoExample), place);
});

test('the fields of the beacon are told, with their defaults', () => {
  const defaults: Record<string, unknown> = beaconSchema.parse({ regions: {} });
  const durations = new Set(['window', 'most', 'expiry']);
  const shown = (name: string) => {
    const value = defaults[name];
    return durations.has(name) ? formatDuration(value as number) : String(value);
  };
  const told = tableUnder(page, 'field').rows.flatMap(([names, value]) => {
    const fields = names!.replaceAll('`', '').split(', ');
    if (value === 'all' || value === 'any') {
      for (const name of fields) assert.equal(defaults[name], undefined, name);
    } else assert.equal(value!.replaceAll('`', ''), fields.map(shown).join(', '));
    return fields;
  });
  assert.deepEqual(['regions', ...told].sort(), Object.keys(beaconSchema.shape).sort());
  const path = `${defaults.path}/script.js`;
  assert.ok(blocksOf(page, 'html').every((block) => block.text.includes(path)));
});

test('every reason why a report does not count is told', () => {
  const told = tableUnder(page, 'reason').rows.flatMap(([names]) =>
    names!.replaceAll('`', '').split(', '),
  );
  const all = [...reportRefusals, ...intakeRefusals, ...otherRefusals];
  assert.deepEqual(told.sort(), [...all].sort());
});

test('the report that is shown is one, and the limits are those', () => {
  const [{ text: example }] = blocksOf(page, 'json') as [Block];
  const bounds = { regions: new Set(['eu-west-1', 'us-east-1']), mostMs: 5_000 };
  assert.deepEqual(parseReport(Buffer.from(example), bounds), [
    ['eu-west-1', 23.4],
    ['us-east-1', 98.1],
  ]);
  assert.match(text, new RegExp(`up to ${mostReportBytes / 1_024} KiB`));
});
