import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { MeridianError } from '../../base/errors.ts';
import { parseAddress } from '../network.ts';
import { mmdbFile } from '../testdata/mmdb-file.ts';
import { createLocator, emptyLocator, sharedLocator } from './locator.ts';

const locator = await createLocator(undefined);
const skip = locator.source === undefined && 'the optional GeoIP package is not installed';
const locate = (address: string) => locator.locate(parseAddress(address) ?? assert.fail());

test('public addresses are located by country', { skip }, () => {
  assert.equal(locate('8.8.8.8')?.label, 'US');
  assert.equal(locate('193.0.6.139')?.label, 'NL');
  assert.equal(locate('2001:67c:2e8::1')?.label, 'NL');
  const { location, prefixBits = 0 } = locate('8.8.8.8') ?? assert.fail();
  assert.ok(location && location.longitude < -60);
  assert.ok(prefixBits > 0 && prefixBits <= 32);
});

test('addresses that are nowhere have no location, whatever the database says', { skip }, () => {
  const nowhere: Record<string, [label: string, prefixBits: number]> = {
    '127.0.0.1': ['loopback', 8],
    '10.1.2.3': ['private', 8],
    '172.31.0.1': ['private', 12],
    '192.168.9.9': ['private', 16],
    '169.254.1.1': ['link-local', 16],
    '100.64.0.1': ['carrier-grade NAT', 10],
    '203.0.113.5': ['documentation', 24],
    '224.0.0.1': ['multicast', 4],
    '255.255.255.255': ['reserved', 4],
    '::1': ['reserved', 3],
    'fe80::1': ['reserved', 1],
    'fd00::1': ['reserved', 1],
    '2001:db8::1': ['documentation', 32],
  };
  for (const [address, [label, prefixBits]] of Object.entries(nowhere)) {
    assert.deepEqual(locate(address), { location: undefined, prefixBits, label }, address);
  }
});

const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
const globalUnicast = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => bytes.with(0, 0x20 | ((bytes[0] ?? 0) & 0x1f)));

/** `base` in its first `bits`, `other` after them. */
function spliced(base: Uint8Array, other: Uint8Array, bits: number): Uint8Array {
  return base.map((byte, at) => {
    const mask = (0xff00 >> Math.min(8, Math.max(0, bits - at * 8))) & 0xff;
    return (byte & mask) | ((other[at] ?? 0) & ~mask & 0xff);
  });
}

for (const [family, address] of [
  ['IPv4', octets],
  ['IPv6', globalUnicast],
] as const) {
  test(`property: one truth all over the prefix that is named (${family})`, { skip }, () => {
    fc.assert(
      fc.property(address, address, (at, other) => {
        const located = locator.locate(at) ?? assert.fail();
        assert.deepEqual(locator.locate(spliced(at, other, located.prefixBits)), located);
      }),
      { numRuns: 2_000 },
    );
  });
}

test('every country of the database has a centre', { skip }, () => {
  const unplaced = new Set<string>();
  for (let high = 1; high < 224; high++) {
    for (let low = 0; low < 256; low += 2) {
      const located = locator.locate(Uint8Array.of(high, low, 7, 7));
      if (located?.label.includes('not known')) unplaced.add(located.label);
    }
  }
  assert.deepEqual([...unplaced], []);
});

async function openFile(t: TestContext, content: Buffer | string) {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-geo-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'test.mmdb');
  await writeFile(path, content);
  return createLocator(path);
}

test('a city database gives coordinates, one that is named goes before the package', async (t) => {
  const location = { latitude: 52.5, longitude: 13.4 };
  const named = await openFile(
    t,
    mmdbFile({ '8.0.0.0/8': { country: { iso_code: 'DE' }, location } }),
  );
  assert.deepEqual(named.locate(Uint8Array.of(8, 8, 8, 8)), {
    location,
    area: { continent: 'EU', country: 'DE', subdivision: '' },
    prefixBits: 8,
    label: 'DE',
  });
  assert.deepEqual(named.locate(Uint8Array.of(9, 8, 8, 8)), {
    location: undefined,
    prefixBits: 8,
    label: 'not in the database',
  });
});

test('a city database knows subdivisions, the largest first', async (t) => {
  const named = await openFile(
    t,
    mmdbFile({
      '8.0.0.0/8': {
        continent: { code: 'NA' },
        country: { iso_code: 'US' },
        subdivisions: [{ iso_code: 'CA' }, { iso_code: 'XY' }],
        location: { latitude: 37, longitude: -120 },
      },
      '9.0.0.0/8': { continent: { code: 'AF' } },
    }),
  );
  assert.deepEqual(named.locate(Uint8Array.of(8, 8, 8, 8)), {
    location: { latitude: 37, longitude: -120 },
    area: { continent: 'NA', country: 'US', subdivision: 'US-CA' },
    prefixBits: 8,
    label: 'US-CA',
  });
  const { area, location } = named.locate(Uint8Array.of(9, 8, 8, 8)) ?? assert.fail();
  assert.deepEqual(area, { continent: 'AF', country: '', subdivision: '' });
  assert.equal(location, undefined);
});

test('a special network cuts the network of the database around it', async (t) => {
  const named = await openFile(t, mmdbFile({ '8.0.0.0/6': { country_code: 'US' } }));
  const prefixBitsOf = (...octets: number[]) => named.locate(Uint8Array.from(octets))?.prefixBits;
  assert.equal(prefixBitsOf(8, 0, 0, 1), 7);
  assert.equal(prefixBitsOf(10, 0, 0, 1), 8);
  assert.equal(prefixBitsOf(11, 0, 0, 1), 8);
});

test('a database of IPv4 knows nothing about IPv6, within the special networks', async (t) => {
  const named = await openFile(t, mmdbFile({ '8.0.0.0/8': { country_code: 'US' } }));
  const located = named.locate(parseAddress('2a00:1450::1') ?? assert.fail());
  assert.equal(located?.location, undefined);
  assert.ok(located && located.prefixBits >= 3 && located.prefixBits < 16);
});

test('a record that is damaged is not located, and takes nothing down', async (t) => {
  const file = mmdbFile({
    '8.0.0.0/8': { country_code: 'US' },
    '9.0.0.0/8': { country_code: 'DE' },
  });
  file[file.indexOf('country_code') - 1] = 0xff; // a map of one, its key now of no known type
  const named = await openFile(t, file);
  assert.equal(named.locate(Uint8Array.of(8, 8, 8, 8))?.location, undefined);
  assert.equal(named.locate(Uint8Array.of(9, 8, 8, 8))?.label, 'DE');
});

test('a database that is named must be there and must be one', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-geo-'));
  t.after(() => rm(directory, { recursive: true }));
  const damaged = join(directory, 'damaged.mmdb');
  await writeFile(damaged, 'no database');
  for (const path of [damaged, join(directory, 'missing.mmdb')]) {
    await assert.rejects(createLocator(path), (error) => {
      assert.ok(error instanceof MeridianError);
      assert.equal(error.code, 'geo_database_unreadable');
      assert.ok(error.message.includes(path));
      return true;
    });
  }
});

/** A database with a record in each of many networks. */
const manyNetworks = () =>
  mmdbFile(
    Object.fromEntries(
      Array.from({ length: 40 }, (_, at) => [`${at + 20}.0.0.0/8`, { country_code: 'DE', at }]),
    ),
  );

test('a database of which a part is missing or overwritten is refused, and says why', async (t) => {
  const whole = manyNetworks();
  const treeBytes = whole.indexOf(Buffer.alloc(16));
  const damages: Record<string, (file: Buffer) => Buffer> = {
    'Extended Type|record size': (file) => file.subarray(0, file.length / 2),
    'leads nowhere': (file) => file.fill(0, 6, 60),
    'leads nowhere|does not end': (file) => file.fill(0xff, 6, treeBytes - 6),
    'does not end': (file) => file.fill(1, treeBytes + 4, treeBytes + 8),
    'records cannot be read': (file) => file.fill(0xff, treeBytes + 16, treeBytes + 400),
  };
  for (const [reason, damage] of Object.entries(damages)) {
    const opened = openFile(t, damage(Buffer.from(whole)));
    await assert.rejects(opened, (error: Error) => new RegExp(reason).test(error.message), reason);
  }
  assert.equal((await openFile(t, whole)).locate(Uint8Array.of(20, 1, 1, 1))?.label, 'DE');
});

test('property: whatever a file holds, it is a database or refused by name, and never hangs', async (t) => {
  const whole = manyNetworks();
  const directory = await mkdtemp(join(tmpdir(), 'meridian-geo-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'test.mmdb');
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 12 }),
      fc.nat(whole.length),
      async (changes, keptBytes) => {
        const file = Buffer.from(whole);
        for (const [at, byte] of changes) file[at] = byte;
        await writeFile(path, changes.length % 2 ? file : file.subarray(0, keptBytes));
        const opened = await createLocator(path).catch((error: unknown) => {
          assert.ok(error instanceof MeridianError && error.code === 'geo_database_unreadable');
          return undefined;
        });
        for (let octet = 1; octet < 255; octet += 3) opened?.locate(Uint8Array.of(octet, 1, 1, 1));
      },
    ),
    { numRuns: 150 },
  );
});

test('a file as it was is not read again, and its bytes are shared', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'meridian-geo-'));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, 'test.mmdb');
  await writeFile(path, mmdbFile({ '8.0.0.0/8': { country_code: 'US' } }));
  const first = await createLocator(path);
  assert.equal(await createLocator(path, first), first);
  assert.equal(sharedLocator(first.database).locate(Uint8Array.of(8, 8, 8, 8))?.label, 'US');
  await writeFile(path, mmdbFile({ '8.0.0.0/8': { country_code: 'DE' }, '9.0.0.0/8': {} }));
  const second = await createLocator(path, first);
  assert.equal(second.locate(Uint8Array.of(8, 8, 8, 8))?.label, 'DE');
  assert.equal(first.locate(Uint8Array.of(8, 8, 8, 8))?.label, 'US');
});

test('without a database nothing is known about any address', () => {
  assert.equal(emptyLocator.locate(Uint8Array.of(8, 8, 8, 8)), undefined);
});
