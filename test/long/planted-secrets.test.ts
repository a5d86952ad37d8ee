import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { createAuthority, issueServerCertificate } from '../../src/link/authority.ts';
import { KeyRing, loadKeyRing } from '../../src/secrets/key-ring.ts';
import { readSecretFile } from '../../src/secrets/sealed-text.ts';
import { AdminApi } from '../support/admin-api.ts';
import { everythingWritten } from '../support/everything-written.ts';
import { type ExampleDocument, exampleWith } from '../support/example.ts';
import { send } from '../support/http.ts';
import { NodeProcess } from '../support/node-process.ts';
import { requireNatsServer } from '../support/requirements.ts';
import {
  type Needle,
  needlesOf,
  needlesOfKey,
  search,
  type Written,
} from '../support/secret-search.ts';
import { meridian, type RegionName, regionNames, TestStack, until } from '../support/stack.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const host = 'rates.exchange.test';
const path = '/v1/rates?base=EUR';
const damagedRegion = 'eu-west-1';

/** Harmless words that must be found, each where it belongs. */
const marker = { message: 'marker-of-a-message', path: '/marker-of-a-path', route: 'marker-route' };

/** A secret like those that people make up. */
const madeUp = (what: string) => `planted-${what}-"${randomBytes(18).toString('base64url')}"`;
const planted = {
  bearer: madeUp('bearer'),
  cookie: madeUp('cookie'),
  query: madeUp('query'),
  wrongToken: `planted-wrong-token-${randomBytes(18).toString('base64url')}`,
  notPem: madeUp('not-pem'),
  badBody: madeUp('bad-body'),
  badKey: madeUp('bad-key').replaceAll('"', ''),
};

test('the search finds a secret in every form that it could be written in', () => {
  const secret = 'a "secret" of some\nlength';
  const needles = needlesOf('it', secret);
  const forms = [
    secret,
    `text before ${JSON.stringify({ secret })}`,
    JSON.stringify(JSON.stringify({ secret })),
    `?x=${encodeURIComponent(secret)}&y`,
    Buffer.from(secret).toString('hex'),
    ...['', '.', '..'].flatMap((before) => [
      Buffer.from(`${before}${secret} and so on`).toString('base64'),
      Buffer.from(`${before}${secret}`).toString('base64url'),
    ]),
    Buffer.concat([Buffer.from('head'), gzipSync(`x${secret}`), Buffer.from('tail')]),
  ];
  for (const [index, form] of forms.entries()) {
    const finds = search([{ place: `${index}`, bytes: Buffer.from(form) }], needles);
    assert.ok(finds.length > 0, `form ${index}`);
  }
  assert.deepEqual(search([{ place: '', bytes: Buffer.from('a "secret" of som') }], needles), []);
});

describe('secrets that were planted', { skip: requireNatsServer() }, async () => {
  const folder = await temporaryDirectory('planted');
  let stack: TestStack;
  let api: AdminApi;
  /** What commands, nodes and the admin API said. */
  const said: Written[] = [];
  let written: readonly Written[] = [];
  const outerKeys: string[] = [];
  let webCertificate: string;
  let webKey: string;
  /** Whether the crash leaves a core file in the state directory, where the nodes run. */
  let hasCore = false;

  const say = (place: string, text: string) => said.push({ place, bytes: Buffer.from(text) });
  const run = async (...args: string[]) => {
    const { code, stdout, stderr } = await stack.attempt(...args);
    say(`meridian ${args.join(' ')}`, stdout + stderr);
    return { code, text: stdout + stderr };
  };
  /** Again where the store elects, as at the first write of a bucket. */
  const must = async (...args: string[]) => {
    let last = '';
    const done = async () => {
      const { code, text } = await run(...args);
      last = text;
      return code === 0;
    };
    await until(`meridian ${args.join(' ')}`, done).catch((error: Error) => {
      throw new Error(`${error.message}: ${last}`);
    });
    return last;
  };
  const setSecret = async (name: string, value: string) => {
    const file = join(folder, name);
    await writeFile(file, value);
    await must('secret', 'set', name, '--file', file);
  };
  const apply = async (name: string, change: (document: ExampleDocument) => void) =>
    run(
      ...['apply', await exampleWith(change), '--message', `${marker.message} ${name}`],
      ...['--timeout', '120s'],
    );
  const serving = (certificate: string, key: string) => (document: ExampleDocument) => {
    document.tls = { certificate: `secret:${certificate}`, key: `secret:${key}` };
    document.routes.push({ name: marker.route, prefix: marker.path, service: 'rates' });
  };

  before(async () => {
    const env = { MERIDIAN_SECRET_KEY: KeyRing.generate() };
    outerKeys.push(env.MERIDIAN_SECRET_KEY);
    stack = await TestStack.start(undefined, { env });
    outerKeys.push(await readFile(join(stack.state, 'secret-key'), 'utf8'));
    api = await AdminApi.of(stack, 'us-east-1');
    await Promise.all(
      regionNames.map(async (name) => (await AdminApi.of(stack, name)).untilServing(1)),
    );
    const { cert, key } = await issueServerCertificate(await createAuthority(), [host], []);
    webCertificate = cert;
    webKey = key;
  });
  after(() => stack?.stop());

  test('they serve: set, applied in all regions, and used for HTTPS', async () => {
    await setSecret('web-certificate', webCertificate);
    await setSecret('web-key', webKey);
    const { code, text } = await apply('one', serving('web-certificate', 'web-key'));
    assert.equal(code, 0, text);
    for (const region of regionNames) {
      const headers = { Authorization: `Bearer ${planted.bearer}`, Cookie: `id=${planted.cookie}` };
      const query = `?token=${encodeURIComponent(planted.query)}`;
      const asked = { address: stack.address(region), host, headers };
      await send({ ...asked, path: `${marker.path}${query}` });
      assert.equal((await send({ ...asked, path })).status, 200);
      assert.equal(await commonName(stack.address(region)), host);
    }
  });

  test('what goes wrong is told without them', async () => {
    await setSecret('not-pem', planted.notPem);
    const refused = await apply('two', serving('web-certificate', 'not-pem'));
    assert.equal(refused.code, 1);
    assert.match(refused.text, /secret:not-pem holds no PEM private key/);
    const missing = await apply('three', serving('web-certificate', 'nowhere'));
    assert.equal(missing.code, 1);
    await must('rollback', '--to', '2', '--message', marker.message);
    await refuse('a wrong token', 401, '/drain', undefined, planted.wrongToken);
    const apart = Buffer.from(`{"document": "${planted.badBody}`);
    await refuse('half a document', 415, '/config/apply', apart);
    await refuse('no document', 400, '/config/apply', { document: planted.badBody });
    await refuse('no name', 422, '/secrets/set?name=-', Buffer.from(planted.badBody));
    const pasted = await apply('four', (document) => {
      document.tls = { certificate: webCertificate, key: webKey };
    });
    assert.equal(pasted.code, 1);
    assert.match(pasted.text, /tls\.key: expected the name of a file or `secret:NAME`/);
    const env = { MERIDIAN_SECRET_KEY: planted.badKey };
    const { code, stderr } = await meridian(
      ['secret', 'seal', '--file', join(folder, 'web-key')],
      env,
    );
    assert.equal(code, 1);
    say('meridian secret seal', stderr);
  });

  test('a crash, a damaged snapshot and a wrong key tell nothing either', async () => {
    const pid = await stack.nodePid(damagedRegion);
    hasCore = await allowCore(pid);
    process.kill(pid, 'SIGSEGV');
    await until('it crashed', () =>
      stack.nodePid(damagedRegion).then(
        () => false,
        () => true,
      ),
    );
    const state = join(stack.state, 'regions', damagedRegion);
    const snapshot = await readFile(join(state, 'snapshot'));
    snapshot[snapshot.length >> 1]! ^= 1;
    await writeFile(join(state, 'snapshot'), snapshot);
    const copy = join(folder, 'copy');
    // Not what its servers of the store write meanwhile.
    const isOfNode = (source: string) => source !== join(state, 'store');
    await cp(state, copy, { recursive: true, filter: isOfNode });
    const node = new NodeProcess({
      ...{ region: damagedRegion, state: copy, address: stack.address(damagedRegion) },
      env: { MERIDIAN_SECRET_KEY: outerKeys[0] },
    });
    assert.equal(await node.end(), 1);
    assert.match(node.errors, /is sealed with the outer key/);
    say('a node with a wrong key', node.errors + node.output);
    await must('node', 'start', damagedRegion);
    await untilReady(damagedRegion);
    // Its status tells it until the store has a newer revision than the snapshot before.
    const log = await readFile(join(state, 'node.log'), 'utf8');
    assert.match(log, /"a snapshot was refused[^\n]*checksum/);
  });

  test('the outer key is replaced: all is sealed anew, and opens', async () => {
    const keyPath = join(stack.state, 'secret-key');
    const old = loadKeyRing({ path: keyPath })!.currentId;
    const fresh = KeyRing.generate();
    outerKeys.push(fresh);
    await writeFile(keyPath, fresh + outerKeys[1]);
    await Promise.all(
      regionNames.map(async (region) => {
        await must('node', 'kill', region);
        await must('node', 'start', region);
        await untilReady(region);
      }),
    );
    assert.match(await must('secret', 'rotate'), /3/);
    const list = await must('secret', 'list');
    assert.ok(
      !list.includes(old) && list.includes(loadKeyRing({ path: keyPath })!.currentId),
      list,
    );
    const { code, text } = await apply('five', (document) => {
      serving('web-certificate', 'web-key')(document);
      document.routes.push({ name: 'five', prefix: '/five', service: 'rates' });
    });
    assert.equal(code, 0, text);
    for (const region of regionNames) {
      const written = await readFile(join(stack.state, 'regions', region, 'snapshot'), 'utf8');
      assert.ok(!written.includes(`"outerKey":"${old}"`), 'the snapshot needs the old key no more');
      assert.equal(await commonName(stack.address(region)), host);
    }
  });

  test('nothing that was written, said or passed on holds any of them', async (context) => {
    written = [...said, ...(await everythingWritten(stack))];
    const needles = await everySecret();
    const octets = written.reduce((sum, { bytes }) => sum + bytes.length, 0);
    context.diagnostic(`${needles.length} forms in ${written.length} places, ${octets} bytes`);
    const finds = search(written, needles);
    const own = ['secret-key', 'admin-token'].map((name) => join(stack.state, name));
    const strange = finds.filter(({ place }) => !own.includes(place));
    assert.deepEqual(strange, []);
    const found = finds.map(({ place }) => place);
    assert.ok(
      own.every((place) => found.includes(place)),
      'it looks there',
    );
  });

  test('what is no secret is found where it belongs', (context) => {
    const placesOf = (text: string) =>
      search(written, [{ name: text, bytes: Buffer.from(text) }]).map(({ place }) => place);
    const isIn = (places: readonly string[], place: RegExp) =>
      assert.ok(
        places.some((one) => place.test(one)),
        `${place} is none of ${places.length}: ${places.slice(0, 9)}`,
      );
    const ofMessage = placesOf(marker.message);
    for (const place of [/store\/hub\/.*config\/.*blk$/, /store\/leaf\/.*config\/.*blk$/]) {
      isIn(ofMessage, place);
    }
    for (const place of [/\/snapshot$/, /GET \/config\/history/, /^meridian history/]) {
      isIn(ofMessage, place);
    }
    isIn(placesOf(marker.path), /access\.log$/);
    context.diagnostic(`a core file is ${hasCore ? '' : 'not '}among what was searched`);
    if (hasCore) isIn(placesOf('ELF'), /\/core[^/]*$/);
    const ofRoute = placesOf(marker.route);
    for (const place of [
      /blk, gzipped at/,
      /GET \/config\/document/,
      /GET \/config\/bundle 200, gzipped/,
    ]) {
      isIn(ofRoute, place);
    }
    isIn(placesOf('HOST='), /environment of .*service/);
    isIn(placesOf('--region'), /command line of/);
    isIn(placesOf('secret:not-pem holds no PEM private key'), /node\.log$/);
  });

  async function refuse(
    what: string,
    status: number,
    resource: string,
    body?: object | Buffer,
    token?: string,
  ): Promise<void> {
    const answer = await api.post(resource, body, token);
    say(what, answer.text);
    assert.equal(answer.status, status, answer.text);
  }

  async function untilReady(region: RegionName): Promise<void> {
    const ready = () =>
      stack.status(region).then(
        ({ ready: yes }) => yes,
        () => false,
      );
    await until(`${region} is ready`, ready);
  }

  async function everySecret(): Promise<Needle[]> {
    const ring = loadKeyRing({ path: join(stack.state, 'secret-key') });
    const open = (...parts: string[]) => readSecretFile(join(stack.state, ...parts), ring);
    const keyFiles = [
      ['ca', 'ca-key.pem'],
      ...regionNames.flatMap((region) => [
        ['regions', region, 'identity', 'key.pem'],
        ['regions', region, 'tls', 'key.pem'],
      ]),
    ];
    const keys = keyFiles.map(async (parts) => needlesOfKey(parts.join('/'), await open(...parts)));
    const texts = {
      ...planted,
      store: await open('store-secret'),
      token: await open('admin-token'),
    };
    return [
      ...(await Promise.all(keys)).flat(),
      ...needlesOfKey('web-key', webKey),
      ...Object.entries(texts).flatMap(([name, text]) => needlesOf(name, text.trim())),
      ...outerKeys.flatMap((line, index) => {
        const base64 = line.trim().split(' ').at(-1)!;
        const name = `outer key ${index}`;
        return [
          ...needlesOf(`${name}, text`, base64),
          ...needlesOf(name, Buffer.from(base64, 'base64')),
        ];
      }),
    ];
  }
});

/** Lifts the limit of core files; false where none would be written to the folder of the process. */
async function allowCore(pid: number): Promise<boolean> {
  const pattern = await readFile('/proc/sys/kernel/core_pattern', 'utf8');
  if (!pattern.startsWith('core')) return false;
  const lift = promisify(execFile)('prlimit', ['--pid', String(pid), '--core=unlimited:']);
  await lift.catch(() => undefined); // Not there, or the hard limit is lower.
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
  return /^Max core file size\s+unlimited/m.test(limits);
}

/** Of the certificate that HTTPS is served with there. */
function commonName(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: address, port: 8443, servername: host, headers: { Host: host }, path };
    const asked = request({ ...options, agent: false, rejectUnauthorized: false }, (response) => {
      const { subjectaltname }: PeerCertificate = (
        response.socket as TLSSocket
      ).getPeerCertificate();
      response.resume();
      response.on('end', () => resolve(subjectaltname?.replace('DNS:', '') ?? ''));
    });
    asked.on('error', reject);
    asked.end();
  });
}
