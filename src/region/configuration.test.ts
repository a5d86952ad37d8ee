import assert from 'node:assert/strict';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { chooseConfiguration } from './configuration.ts';
import { SnapshotFiles } from './snapshot-files.ts';

const location = { latitude: 1, longitude: 2 };
const regions = { here: { address: '127.0.0.1', location } };

let directory = '';
let path = '';
let snapshots: SnapshotFiles;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-configuration-'));
  path = join(directory, 'meridian.json');
  snapshots = new SnapshotFiles(directory);
});
afterEach(() => rm(directory, { recursive: true }));

const write = (config: object) => writeFile(path, JSON.stringify(config));
const choose = (configPath: string | undefined = path, region = 'here') =>
  chooseConfiguration(region, configPath, directory, snapshots);
/** As a node does once it serves. */
const keep = async () => {
  const { config, revision, sequence, material } = await choose();
  await snapshots.write({ region: 'here', writtenAtMs: 7, config, revision, sequence, material });
};

test('the file, as long as it is good', async () => {
  await write({ regions });
  const { source, degraded, config } = await choose();
  assert.deepEqual([source, degraded], ['file', []]);
  assert.deepEqual(Object.keys(config.regions), ['here']);
});

test('without a snapshot the error of the file stands', async () => {
  await assert.rejects(choose(), (error: Error) => error.message.includes(path));
  await write({ regions: { there: regions.here } });
  await assert.rejects(choose(), { code: 'region_unknown' });
  await assert.rejects(chooseConfiguration('here', undefined, directory, snapshots), {
    code: 'nothing_to_serve',
  });
});

test('a file that is missing, broken or for other regions gives way to the snapshot', async () => {
  await write({ regions });
  await keep();
  const refusals: [() => Promise<void>, RegExp][] = [
    [() => rm(path), /refused, serving the last snapshot: .*meridian\.json/s],
    [() => writeFile(path, '{'), /refused, serving the last snapshot/],
    [() => write({ regions: { there: regions.here } }), /has no region "here"/],
  ];
  for (const [spoil, why] of refusals) {
    await spoil();
    const { source, degraded, acceptedAtMs } = await choose();
    assert.deepEqual([source, acceptedAtMs], ['snapshot', 7]);
    assert.match(degraded.join('\n'), why);
  }
});

test('a snapshot of another region, whose keys it holds, is refused', async () => {
  await write({ regions: { ...regions, there: { address: '127.0.0.2', location } } });
  await keep();
  await assert.rejects(chooseConfiguration('there', undefined, directory, snapshots), {
    code: 'snapshot_foreign',
    message: /is of region "here", not of "there"/,
  });
  await rm(path);
  await assert.rejects(choose(path, 'there'), (error: Error) => error.message.includes(path));
});

test('the sequence rises with every revision, also when the file is older', async () => {
  await write({ regions });
  await keep();
  const { sequence } = await choose();
  assert.ok(Math.abs(sequence - Date.now() / 1_000) < 60);
  await utimes(path, 1_000, 1_000);
  assert.equal((await choose()).sequence, sequence, 'the same revision');
  await write({ regions, drain: { maximum: '9s' } });
  await utimes(path, 1_000, 1_000);
  assert.equal((await choose()).sequence, sequence + 1);
});

test('a GeoIP database that cannot be read stops a first start, not a later one', async () => {
  const database = join(directory, 'cities.mmdb');
  await write({ regions, geo: { database } });
  await assert.rejects(choose(), {
    code: 'geo_database_unreadable',
    message: /cannot read the GeoIP database .*cities\.mmdb/,
  });
  const good = { regions, geo: {} };
  await write(good);
  const { config, revision, sequence, material } = await choose();
  const served = { ...config, geo: { ...config.geo, database } };
  const snapshot = { region: 'here', writtenAtMs: 7, revision, sequence, material };
  await snapshots.write({ ...snapshot, config: served });
  await write({ regions, geo: { database } });
  const { source, degraded, locator } = await choose();
  assert.deepEqual([source, locator.source], ['snapshot', undefined]);
  assert.match(degraded[0] ?? '', /refused, serving the last snapshot: .*cities\.mmdb/);
  assert.match(degraded[1] ?? '', /^no country data: clients are steered by measured latency/);
});
