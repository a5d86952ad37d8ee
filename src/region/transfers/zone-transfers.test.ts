import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.ts';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { ManualClock } from '../../base/manual-clock.ts';
import { configSchema } from '../../config/schema/config.ts';
import { DnsError } from '../../dns/errors.ts';
import type { TransferredZones } from '../../dns/transfer/zone-image.ts';
import { ImageBuilder } from '../../dns/transfer/zone-image.ts';
import { parseName } from '../../dns/wire/name.ts';
import { rdataBytes } from '../../dns/wire/records/record-type.ts';
import { recordType, typeCode } from '../../dns/wire/records/registry.ts';
import { createLog } from '../../observability/log.ts';
import type { Configuration } from '../configuration/configuration.ts';
import { TransferredFiles } from './transferred-files.ts';
import { ZoneTransfers } from './zone-transfers.ts';

function image(apex = parseName('example.test')) {
  const builder = new ImageBuilder();
  for (const [type, value] of [
    ['SOA', 'ns1 dns 7 3600 600 86400 60'],
    ['NS', 'ns1'],
  ] as const) {
    const code = typeCode(type)!;
    builder.add(apex.wire, code, 60, rdataBytes(recordType(code)!.parse(value, apex)));
  }
  return builder.build({ serial: 7, refresh: 3_600, retry: 600, expire: 86_400, minimum: 60 });
}

const configOf = (...names: string[]) =>
  configSchema.parse({
    regions: { here: { address: '127.0.0.1', location: { latitude: 0, longitude: 0 } } },
    zones: Object.fromEntries(
      names.map((name) => [name, { secondary: { primaries: ['127.0.0.1:9'] } }]),
    ),
  });
const config = configOf('example.test');

/** Zones with one on disk. */
async function withKept() {
  const stateDirectory = await temporaryDirectory('transfers');
  const clock = new ManualClock();
  const logged: string[] = [];
  const log = createLog({ region: 'here', clock, write: (line) => logged.push(line) });
  const files = new TransferredFiles(stateDirectory, log);
  files.keep('example.test', { image: image(), confirmedAtMs: clock.wallMs() }, true);
  await files.close();
  const own = { region: 'here', bind: '127.0.0.1' };
  const needed = { config, own, material: {}, serial: 1 };
  const options = { stateDirectory, clock, log };
  const transfers = await ZoneTransfers.load(
    options,
    needed as unknown as Parameters<typeof ZoneTransfers.load>[1],
  );
  const folder = join(stateDirectory, 'zones');
  return { transfers, logged, folder, clock, files, needed };
}

test('a start that fails with a zone from disk is made without it, and its primary asked anew', async () => {
  const { transfers, logged, folder } = await withKept();
  const starts: string[][] = [];
  const start = async (zones: TransferredZones) => {
    starts.push(Object.keys(zones));
    if (Object.keys(zones).length > 0) throw new DnsError('bad_zone', 'it cannot be served');
    return 'started';
  };
  assert.equal(await transfers.startWith(start), 'started');
  assert.deepEqual(starts, [['example.test'], []]);
  assert.match(logged.join(), /cannot be served: dropped.*example\.test.*it cannot be served/);
  assert.deepEqual(transfers.served, {});
  const [status] = transfers.status().secondaries;
  assert.deepEqual([status?.state, status?.serial], ['empty', undefined]);
  assert.deepEqual(await readdir(folder), []);
  await transfers.close();
});

test('what fails for another reason is thrown, and the disk keeps what it has', async () => {
  const { transfers, folder } = await withKept();
  for (const [code, fails] of [
    ['address_in_use', 1],
    ['bad_zone', 2],
  ] as const) {
    let starts = 0;
    const start = async () => {
      starts++;
      throw new DnsError(code, 'not this way');
    };
    await assert.rejects(transfers.startWith(start), { code });
    assert.equal(starts, fails);
  }
  assert.deepEqual(Object.keys(transfers.served), ['example.test']);
  assert.deepEqual(await readdir(folder), ['example.test.transferred']);
  await transfers.close();
});

test('a zone that name servers cannot take in keeps no other one waiting, and is tried alone later', async (t) => {
  const { transfers, logged, clock, files, needed } = await withKept();
  t.after(() => transfers.close());
  const offered: string[][] = [];
  let isWell = false;
  await transfers.startWith(async () => undefined);
  transfers.start(async (zones) => {
    const names = Object.keys(zones());
    offered.push(names);
    if (names.includes('bad.test') && !isWell) throw new DnsError('bad_zone', 'no room for it');
  });
  const confirmedAtMs = clock.wallMs();
  for (const name of ['bad.test', 'good.test']) {
    files.keep(name, { image: image(parseName(name)), confirmedAtMs }, true);
  }
  await files.close();
  const more = configOf('example.test', 'bad.test', 'good.test');
  transfers.update({ ...needed, config: more } as unknown as Configuration);
  const two = ['example.test', 'good.test'];
  const all = [...two, 'bad.test'].sort();
  const last = () => offered.at(-1)?.toSorted();
  await eventually('both together', () => offered.length === 1);
  assert.deepEqual(last(), all);
  for (let seconds = 0; seconds < 10; seconds++) {
    clock.advance(1_000);
    await setImmediate();
  }
  await eventually('each alone', () => offered.length === 3);
  assert.ok(offered.some((names) => names.toSorted().join() === two.join()));
  const why = 'the zone bad.test is not served as it came: no room for it';
  assert.ok(transfers.troubles.includes(why) && logged.join().includes(why));
  isWell = true;
  clock.advance(20_000);
  await eventually('that all are served', () => last()?.join() === all.join());
  await eventually('no trouble', () => !transfers.troubles.includes(why));
});
