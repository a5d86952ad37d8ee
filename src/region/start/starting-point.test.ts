import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { ManualClock } from '../../base/manual-clock.ts';
import { createAuthority, issueRegionIdentity } from '../../link/authority.ts';
import { createLog } from '../../observability/log.ts';
import { encodeBundle } from '../../revisions/bundle.ts';
import type { RevisionInfo } from '../../revisions/revision.ts';
import { KeyRing } from '../../secrets/key-ring.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { fileRefusal } from './file-refusal.ts';
import { SnapshotFiles } from './snapshot-files.ts';
import { SnapshotKeeper } from './snapshot-keeper.ts';
import { chooseStart, type StartOptions } from './starting-point.ts';

const location = { latitude: 1, longitude: 2 };
const regions = { here: { address: '127.0.0.1', location } };
const replicated = { engine: 'jetstream', servers: { here: ['nats://127.0.0.1:4222'] } };
const authority = await createAuthority();
const identity = await issueRegionIdentity(authority, 'here');

let directory = '';
let path = '';
let snapshots: SnapshotFiles;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-start-'));
  path = join(directory, 'meridian.json');
  snapshots = new SnapshotFiles(directory);
});
afterEach(() => rm(directory, { recursive: true }));

const write = (config: object) => writeFile(path, JSON.stringify(config));

function choose(given: Partial<StartOptions> = {}): Promise<Configuration> {
  return chooseStart({
    region: 'here',
    node: undefined,
    configPath: path,
    stateDirectory: directory,
    seed: undefined,
    join: [],
    bundlePath: undefined,
    ring: undefined,
    snapshots,
    ...given,
  });
}

/** As a node does once it serves. */
async function keep(configuration: Configuration, ring?: KeyRing): Promise<void> {
  const clock = new ManualClock(7);
  const log = createLog({ region: 'here', clock, write: () => undefined });
  const keeper = new SnapshotKeeper({ files: snapshots, ring, clock, log });
  await keeper.write(configuration);
  assert.equal(keeper.trouble, undefined);
  await keeper.close();
}

function infoOf(sequence: number): RevisionInfo {
  return {
    sequence,
    hash: 'ab'.repeat(32),
    serial: 1_000 + sequence,
    appliedAt: '2026-01-01T00:00:00.000Z',
    author: 'a test',
    message: '',
    kind: 'apply',
    base: undefined,
    restores: undefined,
    seed: undefined,
    content: { nonce: 'ab'.repeat(12), parts: 1, bytes: 1, sha256: 'cd'.repeat(32) },
  };
}

/** As it serves a revision of the store. */
const fromStore = (configuration: Configuration, sequence: number): Configuration => ({
  ...configuration,
  origin: 'store',
  source: 'store',
  info: infoOf(sequence),
});

test('the file, as long as it is good', async () => {
  await write({ regions });
  const { source, degraded, config, fileRefused } = await choose();
  assert.deepEqual([source, degraded, fileRefused], ['file', [], undefined]);
  assert.deepEqual(Object.keys(config.regions), ['here']);
});

test('without a snapshot the error of the file stands', async () => {
  await assert.rejects(choose(), (error: Error) => error.message.includes(path));
  await write({ regions: { there: regions.here } });
  await assert.rejects(choose(), { code: 'region_unknown' });
  await assert.rejects(choose({ configPath: undefined }), { code: 'nothing_to_serve' });
});

test('a file that is missing, broken or for other regions gives way to the snapshot', async () => {
  await write({ regions });
  await keep(await choose());
  const refusals: [() => Promise<void>, RegExp][] = [
    [() => rm(path), /configuration file was refused: .*meridian\.json/s],
    [() => writeFile(path, '{'), /configuration file was refused/],
    [() => write({ regions: { there: regions.here } }), /has no region "here"/],
  ];
  for (const [spoil, why] of refusals) {
    await spoil();
    const { source, degraded, acceptedAtMs, fileRefused } = await choose();
    assert.deepEqual([source, acceptedAtMs], ['snapshot', 7]);
    assert.match(degraded.join('\n'), why);
    assert.ok(degraded.includes(fileRefusal(fileRefused ?? '')), fileRefused);
  }
});

test('a snapshot of another region, whose keys it holds, is refused', async () => {
  await write({ regions: { ...regions, there: { address: '127.0.0.2', location } } });
  await keep(await choose());
  await assert.rejects(choose({ region: 'there', configPath: undefined }), {
    code: 'snapshot_foreign',
    message: /is of region "here", not of "there"/,
  });
  const { degraded } = await choose({ region: 'there' });
  assert.match(degraded.join('\n'), /is of region "here", not of "there"/);
});

test('the serial rises with every revision, also when the file is older', async () => {
  await write({ regions });
  await keep(await choose());
  const { serial } = await choose();
  assert.ok(Math.abs(serial - Date.now() / 1_000) < 60);
  await utimes(path, 1_000, 1_000);
  assert.equal((await choose()).serial, serial, 'the same revision');
  await write({ regions, drain: { maximum: '9s' } });
  await utimes(path, 1_000, 1_000);
  assert.equal((await choose()).serial, serial + 1);
});

test('a GeoIP database that cannot be read stops a first start, not a later one', async () => {
  const database = join(directory, 'cities.mmdb');
  await write({ regions, geo: { database } });
  await assert.rejects(choose(), {
    code: 'geo_database_unreadable',
    message: /cannot read the GeoIP database .*cities\.mmdb/,
  });
  await write({ regions });
  const good = await choose();
  await keep({ ...good, document: { regions, geo: { database } } });
  await write({ regions, geo: { database } });
  const { source, degraded, locator } = await choose();
  assert.deepEqual([source, locator.source], ['snapshot', undefined]);
  assert.match(degraded[0] ?? '', /configuration file was refused: .*cities\.mmdb/);
  assert.match(degraded[1] ?? '', /^no country data: clients are steered by measured latency/);
});

test('what came from the store goes before the file, but for a new seed or no store', async () => {
  await write({ regions, store: replicated });
  const file = await choose();
  await keep({ ...fromStore(file, 5), document: { regions, store: replicated, routes: [] } });
  const kept = await choose();
  assert.deepEqual([kept.source, kept.fileRefused], ['snapshot', undefined]);
  assert.equal((await choose()).info?.sequence, 5);
  const seeded = await choose({ seed: 'one' });
  assert.deepEqual([seeded.source, seeded.seed], ['file', 'one']);
  await keep({ ...fromStore(seeded, 6), seed: 'one' });
  assert.equal((await choose({ seed: 'one' })).info?.sequence, 6, 'that event is over');
  assert.equal((await choose({ seed: 'two' })).source, 'file');
  await write({ regions });
  assert.equal((await choose()).source, 'file', 'the operator took the store away');
});

test('a bundle is started from where there is nothing else, and is checked whole', async () => {
  const bundlePath = join(directory, 'bundle');
  const document = { regions, store: replicated };
  const bytes = await encodeBundle({ info: infoOf(9), document, secrets: {} });
  await writeFile(bundlePath, bytes);
  const { source, origin, info, serial } = await choose({ configPath: undefined, bundlePath });
  assert.deepEqual([source, origin, info?.sequence, serial], ['bundle', 'store', 9, 1_009]);
  const torn = Buffer.from(bytes);
  torn[torn.length >> 1]! ^= 1;
  await writeFile(bundlePath, torn);
  await assert.rejects(choose({ configPath: undefined, bundlePath }), { code: 'bundle_damaged' });
});

test('keys are in the snapshot only sealed, and start a node whose files are gone', async () => {
  const folder = join(directory, 'identity');
  await mkdir(folder);
  await writeFile(join(folder, 'ca.pem'), identity.ca);
  await writeFile(join(folder, 'cert.pem'), identity.cert);
  await writeFile(join(folder, 'key.pem'), identity.key);
  await write({ regions });
  const ring = KeyRing.parse(KeyRing.generate(), 'a test');
  await keep(await choose({ ring }), ring);
  const line = identity.key.split('\n')[1] ?? '';
  const stored = () => readFile(join(directory, 'snapshot'), 'utf8');
  assert.ok(line.length > 20 && !(await stored()).includes(line));

  await rm(folder, { recursive: true });
  const without = { configPath: undefined };
  const { material, degraded } = await choose({ ...without, ring });
  assert.equal(material.identity?.key, identity.key);
  assert.match(degraded.join('\n'), /serving with the keys of the snapshot/);
  await assert.rejects(choose(without), { code: 'secret_key_missing', message: /snapshot/ });
  const wrong = KeyRing.parse(KeyRing.generate(), 'a test');
  await assert.rejects(choose({ ...without, ring: wrong }), { code: 'secret_key_wrong' });

  // Without an outer key nothing secret is written at all.
  await keep({ ...(await choose({ ...without, ring })) });
  assert.ok(!(await stored()).includes(line));
});
