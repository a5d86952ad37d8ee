import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { certifyHosts } from '../../../test/support/certificates.ts';
import { configSchema } from '../../config/schema/config.ts';
import { formatZoneKeys, ZoneKey } from '../../dns/dnssec/zone-key.ts';
import { createAuthority, issueRegionIdentity } from '../../link/authority.ts';
import { KeyRing } from '../../secrets/key-ring.ts';
import { secretReferences } from '../../secrets/reference.ts';
import { sealSecret } from '../../secrets/sealed-secret.ts';
import { sealText, secretFileContext } from '../../secrets/sealed-text.ts';
import { loadMaterial, materialFiles, noMaterial, parseMaterial } from './material.ts';

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

const access = { ring: undefined, secrets: {} };
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

test('every listener over TLS has its own certificates or those of all; services have theirs', async () => {
  const [mine, all, client] = await Promise.all([
    certifyHosts(authority, ['mine.test']),
    certifyHosts(authority, ['all.test']),
    certifyHosts(authority, []),
  ]);
  const file = (name: string) => join(directory, name);
  for (const [name, { cert, key }] of Object.entries({ mine, 'all-here': all, client })) {
    await writeFile(file(`${name}.pem`), cert);
    await writeFile(file(`${name}.key`), key, { mode: 0o600 });
  }
  await writeFile(file('ca.pem'), authority.cert);
  const pair = (name: string) => ({
    certificate: file(`${name}.pem`),
    key: file(`${name}.key`),
  });
  const named = configSchema.parse({
    regions: config.regions,
    tls: {
      certificates: [pair('all-{region}'), pair('mine')],
      clientCertificates: { authority: file('ca.pem') },
    },
    listeners: {
      clear: { port: 1, protocol: 'http' },
      own: { port: 2, tls: pair('mine') },
      borrowed: { port: 3, tls: { policy: 'modern' } },
      common: { port: 4 },
    },
    services: {
      mutual: { endpoints: {}, tls: { ...pair('client'), authority: file('ca.pem') } },
      simple: { endpoints: {}, tls: {} },
      plain: { endpoints: {} },
    },
  });
  const { material, doubts } = await loadMaterial(named, 'here', directory, access);
  const ca = authority.cert;
  assert.deepEqual(material.listeners, {
    https: { certificates: [all, mine], clientAuthority: ca },
    own: { certificates: [mine] },
    borrowed: { certificates: [all, mine] },
    common: { certificates: [all, mine], clientAuthority: ca },
  });
  assert.deepEqual(material.upstreams, { mutual: { ca, ...client }, simple: {} });
  assert.deepEqual(doubts, []);
  const watched = materialFiles(named, 'here', directory);
  for (const name of ['all-here.pem', 'mine.key', 'client.pem', 'client.key', 'ca.pem']) {
    assert.ok(watched.includes(file(name)), name);
  }
  assert.equal(watched.length, new Set(watched).size);
  await rm(file('mine.key'));
  await assert.rejects(loadMaterial(named, 'here', directory, access), {
    code: 'material_unreadable',
    message: /mine\.key/,
  });
});

test('a listener of your own needs a certificate, that of a stack counts', async () => {
  const own = configSchema.parse({ regions: config.regions, listeners: { own: { port: 2 } } });
  const loading = () => loadMaterial(own, 'here', directory, access);
  await assert.rejects(loading(), { code: 'material_invalid', message: /listener own/ });
  const stacks = await certifyHosts(authority, ['localhost']);
  await mkdir(join(directory, 'tls'));
  await writeFile(join(directory, 'tls', 'cert.pem'), stacks.cert);
  await writeFile(join(directory, 'tls', 'key.pem'), stacks.key);
  const { listeners } = (await loading()).material;
  assert.deepEqual(listeners, {
    https: { certificates: [stacks] },
    own: { certificates: [stacks] },
  });
});

test('a certificate that is over, nearly over or not yet valid serves, and is told by its place', async () => {
  const dayMs = 86_400_000;
  const nowMs = Date.now();
  const day = (days: number) => new Date(nowMs + days * dayMs);
  const iso = (days: number) => day(days).toISOString().slice(0, 10);
  const named = configSchema.parse({
    regions: config.regions,
    tls: { certificate: join(directory, 'c.pem'), key: join(directory, 'k.pem') },
  });
  for (const [from, until, doubt] of [
    [-20, -2, `expired on ${iso(-2)}`],
    [-20, 3, `expires on ${iso(3)}`],
    [2, 90, `is valid from ${iso(2)} on`],
    [-20, 20, undefined],
  ] as const) {
    const pair = await certifyHosts(authority, ['a.test'], { from: day(from), until: day(until) });
    await writeFile(join(directory, 'c.pem'), pair.cert);
    await writeFile(join(directory, 'k.pem'), pair.key, { mode: 0o600 });
    const { material, doubts } = await loadMaterial(named, 'here', directory, access, nowMs);
    assert.deepEqual(material.listeners, { https: { certificates: [pair] } });
    const expected = doubt ? [`the certificate in ${join(directory, 'c.pem')} ${doubt}`] : [];
    assert.deepEqual(doubts, expected);
  }
});

test('material of an older snapshot is understood', () => {
  const https = { cert: 'c', key: 'k' };
  assert.deepEqual(parseMaterial(JSON.stringify({ https, identity })), {
    listeners: { https: { certificates: [https] } },
    identity,
    upstreams: {},
    cookieSecrets: {},
    zoneKeys: {},
    transferSecrets: {},
  });
  const material = { ...noMaterial, identity };
  assert.deepEqual(parseMaterial(JSON.stringify(material)), material);
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
    zones: { 'example.test': { dnssec: { keys: 'secret:dnssec' } } },
  });
  const zoneKeys = formatZoneKeys([ZoneKey.generate('csk', 'active')]);
  const secrets = {
    dnssec: sealed('dnssec', zoneKeys),
    ca: sealed('ca', identity.ca),
    'here.cert': sealed('here.cert', identity.cert),
    'here.key': sealed('here.key', identity.key),
  };
  const { material } = await loadMaterial(named, 'here', directory, { ring, secrets });
  assert.deepEqual(material.identity, identity);
  assert.deepEqual(material.zoneKeys, { 'example.test': zoneKeys });
  assert.deepEqual(secretReferences(named, 'here'), ['ca', 'dnssec', 'here.cert', 'here.key']);
  const { ca, 'here.cert': cert } = secrets;
  await assert.rejects(
    loadMaterial(named, 'here', directory, {
      ring,
      secrets: { ca, 'here.cert': cert, dnssec: secrets.dnssec },
    }),
    {
      code: 'material_unreadable',
      message: /secret:here\.key/,
    },
  );
});

test('the secret of DNS cookies is read where one is named, and is no short one', async () => {
  const named = configSchema.parse({
    regions: config.regions,
    dns: { cookies: { secret: join(directory, '{region}-cookies') } },
  });
  const file = join(directory, 'here-cookies');
  assert.ok(materialFiles(named, 'here', directory).includes(file));
  await writeFile(file, 'fifteen letters\n');
  const read = () => loadMaterial(named, 'here', directory, access);
  await assert.rejects(read(), { code: 'material_invalid', message: /here-cookies is too short/ });
  await writeFile(file, 'sixteen letters!\n');
  const { material } = await read();
  assert.equal(material.dnsCookieSecret, 'sixteen letters!');
  assert.deepEqual(parseMaterial(JSON.stringify(material)), material);
  assert.equal((await load()).dnsCookieSecret, undefined);
});

test('who signs the certificates of what is probed is read once, by the place that is named', async () => {
  const place = join(directory, '{region}-probed.pem');
  await writeFile(join(directory, 'here-probed.pem'), identity.ca);
  const service = (check: object) => ({ endpoints: { here: ['a:1'] }, check });
  const probing = configSchema.parse({
    regions: config.regions,
    services: {
      one: service({ type: 'https', authority: place }),
      two: service({ type: 'grpc', tls: { authority: place } }),
    },
  });
  const { material } = await loadMaterial(probing, 'here', directory, access);
  assert.deepEqual(material.probeAuthorities, { [place]: identity.ca });
  assert.deepEqual(parseMaterial(JSON.stringify(material)), material);
  const files = materialFiles(probing, 'here', directory);
  assert.ok(files.includes(join(directory, 'here-probed.pem')));
});

test('a key that others may read serves and is told of; what everybody may write is refused', async () => {
  const good = { 'ca.pem': identity.ca, 'cert.pem': identity.cert, 'key.pem': identity.key };
  await store(good);
  const file = (name: string) => join(directory, 'identity', name);
  const doubts = async (ring?: KeyRing) =>
    (await loadMaterial(config, 'here', directory, { ring, secrets: {} })).doubts;
  const told = `${file('key.pem')} holds a secret, and its mode 0644 lets everybody at it`;
  await chmod(file('key.pem'), 0o644);
  assert.deepEqual(await doubts(), [told]);
  await chmod(file('key.pem'), 0o600);
  assert.deepEqual(await doubts(), []);
  for (const name of Object.keys(good)) {
    await chmod(file(name), 0o666);
    const message = `cannot use ${file(name)}: its mode 0666 lets everybody write it; make it 0600`;
    await assert.rejects(load(), { code: 'material_invalid', message });
    await chmod(file(name), 0o600);
  }
  const ring = KeyRing.parse(KeyRing.generate(), 'a test');
  await store({ 'key.pem': sealText(ring, identity.key, secretFileContext) });
  await chmod(file('key.pem'), 0o644);
  assert.deepEqual(await doubts(ring), [], 'sealed, it says nothing');
});
