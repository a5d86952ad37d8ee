import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { eventually } from '../../test/support/eventually.ts';
import { NatsCluster, natsServerMissing } from '../../test/support/nats-cluster.ts';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { systemClock } from '../base/clock.ts';
import { codeOf } from '../base/errors.ts';
import { openStore } from '../store/open.ts';
import { KeyRing } from './key-ring.ts';
import { openSecret, Secrets } from './secrets.ts';

const skip = natsServerMissing();
const folder = await temporaryDirectory('secrets-on-disk');
const [newLine, oldLine] = [KeyRing.generate(), KeyRing.generate()];

/** Asks again where the store gave no answer: the servers share a busy machine with the test. */
function patiently<T>(what: string, ask: () => Promise<T>): Promise<Exclude<T, undefined | false>> {
  return eventually<T | undefined>(what, () => ask().catch(() => undefined), 60_000) as Promise<
    Exclude<T, undefined | false>
  >;
}

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
  const { version } = await patiently('the bucket', () => before.set('tls.key', planted));
  const codeOfSet = (expected: number) =>
    before.set('tls.key', planted, expected).then(() => 'set', codeOf);
  const refused = await patiently('a conflict', async () => {
    const code = await codeOfSet(0);
    return (code === 'set' || code === 'secret_conflict') && code;
  });
  assert.equal(refused, 'secret_conflict');
  let isUnknown = false;
  await patiently('it is set again', async () => {
    const code = await codeOfSet(version);
    if (code === 'set' || (code === 'secret_conflict' && isUnknown)) return true;
    isUnknown = code !== 'secret_conflict';
    return false;
  });
  await patiently('the replica', async () => (await before.list()).length === 1);
  const rotating = withRing(newLine + oldLine);
  const rotate = () =>
    patiently('a rotation', async () => {
      const rotated = await rotating.rotate();
      return rotated.failed.length === 0 && rotated;
    });
  const { rewrapped, already } = await rotate();
  assert.equal(rewrapped.length + already, 1);
  assert.deepEqual(await rotate(), { rewrapped: [], already: 1, failed: [] });

  const ring = KeyRing.parse(newLine, 'the new ring');
  const sealed = await patiently('the replica', async () => {
    const found = (await rotating.sealed(['tls.key'])).get('tls.key');
    return found?.envelope.outerKey === ring.currentId && found;
  });
  assert.deepEqual(openSecret(ring, 'tls.key', sealed), planted);
  await eventually('the watch', () => told.length >= 1 && told.every((name) => name === 'tls.key'));
  watch.close();

  // What is not sealed would be found: the search looks where the store writes.
  const bucket = store.bucket('secrets');
  await patiently('a write', () => bucket.put('plain', Buffer.from('planted-in-the-clear')));
  await patiently('the mirror', () => bucket.get('plain'));
  await cluster.killAll();
  const disks = everythingIn(folder);
  assert.ok(disks.includes('planted-in-the-clear') && disks.includes('tls.key'));
  for (const form of ['latin1', 'base64', 'base64url', 'hex'] as const) {
    assert.ok(!disks.includes(planted.toString(form)), form);
  }
  for (const line of [newLine, oldLine]) assert.ok(!disks.includes(line.split(' ')[1]!.trim()));
});
