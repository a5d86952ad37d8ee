import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, it } from 'node:test';
import { AsyncRegions, level } from '../support/async-regions.ts';
import { eventually } from '../support/eventually.ts';
import { natsServerMissing } from '../support/nats-cluster.ts';

const regions = ['us-east-1', 'eu-west-1', 'ap-southeast-1'] as const;
const skip = natsServerMissing();

let world: AsyncRegions;
let onLink: Buffer;

before(async () => {
  if (skip) return;
  // By secret, in clear, through relays that see every byte between regions.
  world = await AsyncRegions.start(regions, { secret: 'a-secret-of-the-test', delayMs: 5 });
  onLink = Buffer.alloc(0);
  world.cluster.onBytes((bytes) => {
    onLink = Buffer.concat([onLink, bytes]);
  });
});
after(() => world?.close());

/** Whose directories hold the bytes, by region. */
function holders(planted: Buffer): string[] {
  return regions.filter((region) =>
    filesOf(join(world.cluster.directory, region)).some((file) =>
      readFileSync(file).includes(planted),
    ),
  );
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
  await eventually('the lone one', () => one.status().writable);
  const keyOfOne = `planted.${randomBytes(16).toString('hex')}`;
  await one.put(keyOfOne, ofOne);
  await both[0]!.put('planted', ofTwo);
  await eventually('the copy', async () => (await both[1]!.get('planted')).entry !== undefined);
  await one.put(keyOfOne, Buffer.concat([ofOne, Buffer.from('again')]));
  await eventually('to be on the disks', () => holders(ofTwo).length === 2);

  assert.deepEqual(holders(ofOne), [us]);
  assert.deepEqual(holders(ofTwo), [us, eu]);
  assert.deepEqual(holders(Buffer.from(keyOfOne)), [us]);
  assert.ok(onLink.includes(ofTwo), 'that the link is seen shows that nothing else was on it');
  assert.ok(!onLink.includes(ofOne));
  assert.ok(!onLink.includes(Buffer.from(keyOfOne)));
});

function filesOf(directory: string): string[] {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, String(name)))
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile());
}
