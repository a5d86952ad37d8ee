import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { infoOf } from '../../test/support/revisions.ts';
import { decodeBundle, encodeBundle } from './bundle.ts';
import { isRevisionError } from './errors.ts';

const bundle = {
  info: infoOf(7),
  document: { regions: { east: {} } },
  secrets: { 'tls.key': { version: 1, envelope: 'sealed' }, __proto__x: 1 },
};

function lined(body: Uint8Array, version = 1): Buffer {
  const digest = createHash('sha256').update(body).digest('hex');
  return Buffer.concat([
    Buffer.from(`meridian-bundle ${version} ${digest} ${body.length}\n`),
    body,
  ]);
}

test('a bundle comes out as it went in', async () => {
  assert.deepEqual(await decodeBundle(await encodeBundle(bundle)), bundle);
});

test('every flipped bit and every missing end is told', async () => {
  const bytes = await encodeBundle(bundle);
  const told = async (damaged: Uint8Array, what: string) => {
    const error = await decodeBundle(damaged).then(
      () => assert.fail(`${what}: accepted`),
      (reason: unknown) => reason,
    );
    assert.ok(isRevisionError(error), `${what}: ${error}`);
    assert.match(error.code, /^bundle_(damaged|version)$/);
  };
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Uint8Array.from(bytes);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    await told(flipped, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    await told(bytes.subarray(0, length), `the first ${length} bytes`);
  }
  await told(Buffer.concat([bytes, Buffer.from('\n')]), 'one byte more');
  await told(randomBytes(500), 'noise');
});

test('a bundle of another version is told so', async () => {
  await assert.rejects(decodeBundle(lined(gzipSync('{}'), 2)), {
    code: 'bundle_version',
    message: 'the bundle has version 2, and this Meridian reads version 1',
  });
});

test('what is inside is bounded and of the right shape', async () => {
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`s${index}`, 1]));
  const bad: [Uint8Array, RegExp][] = [
    [Buffer.from('text'), /not gzip/],
    [gzipSync('{'), /not JSON/],
    [gzipSync('[]'), /cannot be read/],
    [gzipSync(JSON.stringify({ ...bundle, info: { sequence: 1 } })), /: info\.hash/],
    [gzipSync(JSON.stringify({ ...bundle, document: undefined })), /: document/],
    [gzipSync(JSON.stringify({ ...bundle, secrets: [] })), /: secrets/],
    [gzipSync(JSON.stringify({ ...bundle, secrets: many })), /: secrets/],
    [gzipSync(Buffer.alloc(128 * 1024 * 1024 + 1)), /too large when unpacked/],
  ];
  for (const [body, message] of bad) {
    await assert.rejects(decodeBundle(lined(body)), { code: 'bundle_damaged', message });
  }
});
