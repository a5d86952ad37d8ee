import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { configSchema } from '../../config/schema/config.ts';
import { createAuthority, issueRegionIdentity } from '../../link/authority.ts';
import { KeyRing } from '../../secrets/key-ring.ts';
import { sealSecret } from '../../secrets/sealed-secret.ts';
import { sealText, secretFileContext } from '../../secrets/sealed-text.ts';
import { loadMaterial, noMaterial } from './material.ts';

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

const load = async (ring?: KeyRing) =>
  (await loadMaterial(config, 'here', directory, { ring, secrets: {} })).material;

async function store(files: Record<string, string>): Promise<void> {
  await mkdir(join(directory, 'identity'), { recursive: true });
  for (const [name, pem] of Object.entries(files)) {
    await writeFile(join(directory, 'identity', name), pem);
  }
}

test('a node without certificates has none; with an identity it has that', async () => {
  assert.deepEqual(await load(), noMaterial);
  await store({ 'ca.pem': identity.ca, 'cert.pem': identity.cert, 'key.pem': identity.key });
  const { ca, cert, key } = (await load()).identity ?? {};
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
    await assert.rejects(load(), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(!error.message.includes(identity.key.slice(60, 90)));
      return true;
    });
  }
  await store(good);
  await rm(join(directory, 'identity', 'ca.pem'));
  await assert.rejects(load(), { code: 'material_unreadable' });
});

test('a sealed key is opened with the outer key, and the error says which is needed', async () => {
  const ring = KeyRing.parse(KeyRing.generate(), 'a test');
  const sealed = sealText(ring, identity.key, secretFileContext);
  await store({ 'ca.pem': identity.ca, 'cert.pem': identity.cert, 'key.pem': sealed });
  assert.equal((await load(ring)).identity?.key, identity.key);
  await assert.rejects(load(), { code: 'secret_key_missing', message: /key\.pem/ });
  const wrong = KeyRing.parse(KeyRing.generate(), 'a test');
  await assert.rejects(load(wrong), { code: 'secret_key_wrong', message: /key\.pem/ });
});

test('`secret:NAME` comes from the sealed secrets of the store', async () => {
  const ring = KeyRing.parse(KeyRing.generate(), 'a test');
  const sealed = (name: string, text: string) =>
    sealSecret(ring, name, Buffer.from(text), new Date(0).toISOString());
  const named = configSchema.parse({
    regions: config.regions,
    identity: {
      authority: 'secret:ca',
      certificate: 'secret:{region}.cert',
      key: 'secret:{region}.key',
    },
  });
  const secrets = {
    ca: sealed('ca', identity.ca),
    'here.cert': sealed('here.cert', identity.cert),
    'here.key': sealed('here.key', identity.key),
  };
  const { material } = await loadMaterial(named, 'here', directory, { ring, secrets });
  assert.deepEqual(material.identity, identity);
  const { ca, 'here.cert': cert } = secrets;
  await assert.rejects(
    loadMaterial(named, 'here', directory, { ring, secrets: { ca, 'here.cert': cert } }),
    {
      code: 'material_unreadable',
      message: /secret:here\.key/,
    },
  );
});
