import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../../test/support/nats-cluster.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { systemClock } from '../base/clock.ts';
import { openStore } from '../store/open.ts';
import { KeyRing } from './key-ring.ts';
import { openSecret, Secrets } from './secrets.ts';

const skip = natsServerMissing();
const folder = await temporaryDirectory('secrets-on-disk');
const [newLine, oldLine] = [KeyRing.generate(), KeyRing.generate()];

/** What all files below hold, names included. */
function everythingIn(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return entry.isFile() ? `${path}\n${readFileSync(path, 'latin1')}` : path;
    })
    .join('\n');
}

async function startStore() {
  process.env.TMPDIR = folder; // Where the servers will have their data.
  const cluster = await NatsCluster.start({
    regions: ['eu-west-1'],
    leaves: ['eu-west-1'],
    secret: 'a-secret-of-the-test',
  });
  after(() => cluster.close());
  const store = openStore(cluster.storeOptions('eu-west-1'));
  after(() => store.close());
  await eventually('the store', () => store.status().reachable, 60_000);
  const withRing = (text: string) =>
    new Secrets({ store, ring: KeyRing.parse(text, 'the ring'), clock: systemClock });
  return { cluster, store, withRing };
}

test('real servers: no value on their disks, and a rotation by compare-and-set', {
  skip,
}, async () => {
  const { cluster, store, withRing } = await startStore();
  const before = withRing(oldLine);
  const planted = Buffer.from(`planted-${randomBytes(24).toString('hex')}`);
  const told: string[] = [];
  const watch = before.watch((name) => told.push(name));

  // The first write waits until the bucket has been made.
  const { version } = await eventually(
    'the bucket',
    () => before.set('tls.key', planted).catch(() => undefined),
    60_000,
  );
  await assert.rejects(before.set('tls.key', planted, 0), { code: 'secret_conflict' });
  await before.set('tls.key', planted, version);
  const listed = () => before.list().catch(() => []);
  await eventually('the replica', async () => (await listed()).length === 1);
  const rotating = withRing(newLine + oldLine);
  assert.deepEqual(await rotating.rotate(), { rewrapped: ['tls.key'], already: 0, failed: [] });
  assert.deepEqual(await rotating.rotate(), { rewrapped: [], already: 1, failed: [] });

  const ring = KeyRing.parse(newLine, 'the new ring');
  await eventually('the replica', async () => {
    const sealed = (await rotating.sealed(['tls.key'])).get('tls.key')!;
    if (sealed.envelope.outerKey !== ring.currentId) return false;
    assert.deepEqual(openSecret(ring, 'tls.key', sealed), planted);
    return true;
  });
  await eventually('the watch', () => told.length >= 1 && told.every((name) => name === 'tls.key'));
  watch.close();

  // What is not sealed would be found: the search looks where the store writes.
  await store.bucket('secrets').put('plain', Buffer.from('planted-in-the-clear'));
  await eventually('the mirror', () => store.bucket('secrets').get('plain'));
  await cluster.killAll();
  const disks = everythingIn(folder);
  assert.ok(disks.includes('planted-in-the-clear') && disks.includes('tls.key'));
  for (const form of ['latin1', 'base64', 'base64url', 'hex'] as const) {
    assert.ok(!disks.includes(planted.toString(form)), form);
  }
  for (const line of [newLine, oldLine]) assert.ok(!disks.includes(line.split(' ')[1]!.trim()));
});
