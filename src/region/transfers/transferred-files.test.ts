import assert from 'node:assert/strict';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '../../../test/support/temporary-directory.ts';
import { systemClock } from '../../base/clock.ts';
import { ImageBuilder } from '../../dns/transfer/zone-image.ts';
import { parseName } from '../../dns/wire/name.ts';
import { rdataBytes } from '../../dns/wire/records/record-type.ts';
import { recordType, typeCode } from '../../dns/wire/records/registry.ts';
import { createLog } from '../../observability/log.ts';
import { TransferredFiles } from './transferred-files.ts';

const apex = parseName('example.test');
const soa = { serial: 7, refresh: 3_600, retry: 600, expire: 86_400, minimum: 60 };

function imageOf(...records: [name: string, type: string, value: string][]) {
  const builder = new ImageBuilder();
  for (const [name, type, value] of records) {
    const code = typeCode(type)!;
    const data = rdataBytes(recordType(code)!.parse(value, apex));
    builder.add(parseName(name, apex).wire, code, 60, data);
  }
  return builder.build(soa);
}

const whole = imageOf(['@', 'SOA', 'ns1 dns 7 3600 600 86400 60'], ['@', 'NS', 'ns1']);

async function filesOf() {
  const directory = await temporaryDirectory('zones');
  const logged: string[] = [];
  const log = createLog({ region: 'here', clock: systemClock, write: (line) => logged.push(line) });
  const files = new TransferredFiles(directory, log);
  const path = join(directory, 'zones', 'example.test.transferred');
  return { directory, files, logged, path };
}

test('what is kept is there again, with when it was confirmed', async () => {
  const { files, path } = await filesOf();
  files.keep('example.test', { image: whole, confirmedAtMs: 1_600_000_000_000 }, true);
  files.keep('example.test', { image: whole, confirmedAtMs: 1_600_000_500_000 }, false);
  await files.close();
  const kept = (await files.read(['example.test', 'other.test'])).get('example.test')!;
  assert.equal(kept.confirmedAtMs, 1_600_000_500_000);
  assert.deepEqual(kept.image.soa, soa);
  assert.deepEqual([...kept.image.bytes], [...whole.bytes]);
  assert.ok(kept.image.bytes.buffer instanceof SharedArrayBuffer);
  const { mode } = await stat(path);
  assert.equal(mode & 0o777, 0o600);
});

test('what is torn, altered, of another format or no zone is not used, and told of', async () => {
  const { files, path, logged } = await filesOf();
  files.keep('example.test', { image: whole, confirmedAtMs: 1e12 }, true);
  await files.close();
  const good = await readFile(path);
  const text = good.toString('latin1');
  const damaged = [
    good.subarray(0, good.length - 1),
    good.subarray(0, 20),
    Buffer.alloc(0),
    Buffer.from(text.replace('meridian-zone 1', 'meridian-zone 2'), 'latin1'),
    ...Array.from({ length: 20 }, (_, at) => {
      const bytes = Buffer.from(good);
      const octet = good.length - 1 - at;
      bytes[octet] = bytes[octet]! ^ 1;
      return bytes;
    }),
  ];
  for (const bytes of damaged) {
    await writeFile(path, bytes);
    assert.equal((await files.read(['example.test'])).size, 0);
  }
  assert.equal(logged.length, damaged.length);
  // Whole, and nothing that could be served: written by whoever.
  files.keep('example.test', { image: imageOf(['@', 'NS', 'ns1']), confirmedAtMs: 1e12 }, true);
  await files.close();
  assert.equal((await files.read(['example.test'])).size, 0);
  assert.match(logged.at(-1)!, /it has no SOA/);
});

test('whatever its name, a zone is kept in the folder', async () => {
  const { files, directory, logged } = await filesOf();
  const names = [
    `${'a'.repeat(60)}.`.repeat(4).slice(0, -1),
    '0/25.2.0.192.in-addr.arpa',
    '../up.test',
    'b'.repeat(63),
  ];
  for (const name of names) files.keep(name, { image: whole, confirmedAtMs: 1e12 }, true);
  await files.close();
  assert.deepEqual(logged, []);
  await files.removeOthers(names);
  const there = await readdir(join(directory, 'zones'));
  assert.equal(there.length, names.length);
  assert.ok(there.includes(`${names[3]}.transferred`));
  await files.removeOthers([]);
  assert.deepEqual(await readdir(join(directory, 'zones')), []);
});

test('files of zones that are no secondaries any more are removed', async () => {
  const { files, directory } = await filesOf();
  for (const name of ['example.test', 'gone.test']) {
    files.keep(name, { image: whole, confirmedAtMs: 1e12 }, true);
  }
  await files.close();
  await files.removeOthers(['example.test']);
  assert.deepEqual(await readdir(join(directory, 'zones')), ['example.test.transferred']);
});

test('a disk that takes nothing is told of once, and what it held stays', async () => {
  const { files, directory, logged } = await filesOf();
  // In the place of the folder, a file: nobody can write below it, root neither.
  await writeFile(join(directory, 'zones'), '');
  for (let times = 0; times < 3; times++) {
    files.keep('example.test', { image: whole, confirmedAtMs: 1e12 }, true);
  }
  await files.close();
  assert.equal(logged.length, 1);
  assert.match(files.trouble ?? '', /the zone example\.test could not be written to disk/);
});
