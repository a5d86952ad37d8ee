import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { codeOf } from '../../src/base/errors.ts';
import { AsyncRegions, level } from '../support/async-regions.ts';
import { eventually } from '../support/eventually.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';
import { patiently } from '../support/patiently.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;
const skip = natsServerMissing();

let world: AsyncRegions;
/** What came of each connection. */
let onLink: Map<Socket, Buffer[]>;

before(async () => {
  if (skip) return;
  // By secret, in clear, through relays that see every byte between regions.
  world = await AsyncRegions.start(regions, { secret: 'a-secret-of-the-test', delayMs: 5 });
  onLink = new Map();
  world.cluster.onBytes((bytes, from) => {
    onLink.set(from, [...(onLink.get(from) ?? []), bytes]);
  });
});
after(() => world?.close());

/** Whose directories hold the bytes, by region. */
function holders(planted: Buffer): string[] {
  return regions.filter((region) =>
    filesOf(join(world.cluster.directory, region)).some((octets) => octets.includes(planted)),
  );
}

function isOnLink(planted: string | Buffer): boolean {
  return [...onLink.values()].some((parts) => Buffer.concat(parts).includes(planted));
}

it('what is resident in one region, or two, is in no other and on no link to it', {
  skip,
}, async () => {
  const [us, eu] = regions;
  // No compressor of a link can write these bytes otherwise.
  const [ofOne, ofTwo] = [randomBytes(48), randomBytes(48)];
  const one = world.open('one', us, { residency: [us] });
  const both = [us, eu].map((region) => world.open('two', region, { residency: [us, eu] }));
  await level(both, 1);
  await eventually('the lone one', () => one.status().writable, 60_000);
  const keyOfOne = `planted.${randomBytes(16).toString('hex')}`;
  await patiently(() => one.put(keyOfOne, ofOne));
  await patiently(() => both[0]!.put('planted', ofTwo));
  await eventually('the copy', async () => {
    const { entry } = await patiently(() => both[1]!.get('planted'));
    return entry !== undefined;
  });
  await patiently(() => one.put(keyOfOne, Buffer.concat([ofOne, Buffer.from('again')])));
  await eventually('to be on the disks', () => {
    const each = [ofOne, Buffer.from(keyOfOne)].every((planted) => holders(planted).length > 0);
    return each && holders(ofTwo).length > 1;
  });

  assert.deepEqual(holders(ofOne), [us]);
  assert.deepEqual(holders(ofTwo), [us, eu]);
  assert.deepEqual(holders(Buffer.from(keyOfOne)), [us]);
  assert.ok(isOnLink(ofTwo), 'that the link is seen shows that nothing else was on it');
  assert.ok(!isOnLink(ofOne));
  assert.ok(!isOnLink(keyOfOne));
});

/** What they hold. A server makes and removes some while this looks. */
function filesOf(directory: string): Buffer[] {
  const entries = unlessGone(() => readdirSync(directory, { withFileTypes: true })) ?? [];
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return filesOf(path);
    return (entry.isFile() && unlessGone(() => readFileSync(path))) || [];
  });
}

function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
