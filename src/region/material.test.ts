import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { configSchema } from '../config/schema/config.ts';
import { createAuthority, issueRegionIdentity } from '../link/authority.ts';
import { loadMaterial } from './material.ts';

const location = { latitude: 1, longitude: 2 };
const config = configSchema.parse({ regions: { here: { address: '127.0.0.1', location } } });
const authority = await createAuthority();
const identity = await issueRegionIdentity(authority, 'here');
const other = await issueRegionIdentity(authority, 'there');

let directory = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'meridian-material-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function store(files: Record<string, string>): Promise<void> {
  await mkdir(join(directory, 'identity'), { recursive: true });
  for (const [name, pem] of Object.entries(files)) {
    await writeFile(join(directory, 'identity', name), pem);
  }
}

test('a node without certificates has none; with an identity it has that', async () => {
  const nothing = { https: undefined, identity: undefined };
  assert.deepEqual(await loadMaterial(config, 'here', directory), nothing);
  await store({ 'ca.pem': identity.ca, 'cert.pem': identity.cert, 'key.pem': identity.key });
  const { ca, cert, key } = (await loadMaterial(config, 'here', directory)).identity ?? {};
  assert.deepEqual([ca, cert, key], [identity.ca, identity.cert, identity.key]);
});

test('what cannot be an identity is refused by file, and no key is quoted', async () => {
  const good = { 'ca.pem': identity.ca, 'cert.pem': identity.cert, 'key.pem': identity.key };
  const faults: [Record<string, string>, RegExp][] = [
    [{ 'key.pem': other.key }, /key in .*key\.pem does not belong to the certificate in .*cert/],
    [{ 'key.pem': identity.key.slice(40) }, /key\.pem holds no PEM private key/],
    [{ 'cert.pem': other.cert, 'key.pem': other.key }, /names region "there", where "here"/],
  ];
  for (const [fault, message] of faults) {
    await store({ ...good, ...fault });
    await assert.rejects(loadMaterial(config, 'here', directory), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(identity.key.slice(60, 90)));
      return true;
    });
  }
  await store(good);
  await rm(join(directory, 'identity', 'ca.pem'));
  await assert.rejects(loadMaterial(config, 'here', directory), { code: 'material_unreadable' });
});
