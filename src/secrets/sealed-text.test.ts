import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { KeyRing } from './key-ring.ts';
import { isSealed, openText, readSecretFile, rewrapText, sealText } from './sealed-text.ts';

const folder = await temporaryDirectory('sealed-text');
const [newLine, oldLine] = [KeyRing.generate(), KeyRing.generate()];
const ring = KeyRing.parse(oldLine, 'ring');

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

test('any text comes back, and is told from a plain one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const sealed = sealText(ring, text, 'file');
      assert.ok(isSealed(sealed));
      assert.ok(!isSealed(text));
      assert.match(sealed, /^meridian-sealed 1\n\{"version":1,.*\}\n$/);
      assert.equal(openText(ring, sealed, 'file'), text);
    }),
  );
  assert.equal(openText(ring, sealText(ring, '\ufeffa', 'file'), 'file'), '\ufeffa');
});

test('a text that UTF-8 cannot hold is refused, not changed', () => {
  assert.throws(() => sealText(ring, 'a\ud800', 'file'), { code: 'secret_value_invalid' });
});

test('a file with any one bit flipped does not open', () => {
  const sealed = Buffer.from(sealText(ring, 'value', 'file'));
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const bytes = Buffer.from(sealed);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    assert.throws(() => openText(ring, bytes.toString('latin1'), 'file'), {
      code: /^secret_(damaged|key_wrong)$/,
    });
  }
  for (let length = 0; length < sealed.length - 1; length++) {
    const cut = sealed.toString('latin1', 0, length);
    assert.throws(() => openText(ring, cut, 'file'), { code: 'secret_damaged' });
  }
});

test('where a sealed text is due, a plain one and one of a later form are refused', () => {
  const refused = (text: string, message: RegExp) =>
    assert.throws(() => openText(ring, text, 'snapshot'), { code: 'secret_damaged', message });
  refused('plain', /^snapshot cannot be opened: it is not sealed$/);
  refused('meridian-sealed 2\n{}', /sealed in a form that this program does not know/);
});

test('a rotation changes the outer key and not the content', () => {
  const sealed = sealText(ring, 'value', 'file');
  const rotated = rewrapText(KeyRing.parse(newLine + oldLine, 'both'), sealed, 'file');
  assert.equal(openText(KeyRing.parse(newLine, 'new'), rotated, 'file'), 'value');
  const dataOf = (text: string) => /"data":"([^"]+)"/.exec(text)?.[1];
  assert.equal(dataOf(rotated), dataOf(sealed));
});

test('a secret file may be plain or sealed; what does not open names the file', async () => {
  const sealed = file('sealed', sealText(ring, 'token\n', 'file'));
  assert.ok(!readFileSync(sealed, 'utf8').includes('token'));
  assert.equal(await readSecretFile(sealed, ring), 'token\n');
  assert.equal(await readSecretFile(file('plain', 'token\n'), undefined), 'token\n');
  await assert.rejects(readSecretFile(sealed, undefined), {
    code: 'secret_key_missing',
    message: new RegExp(
      `^${sealed}: file is sealed with the outer key "${ring.currentId}", and no`,
    ),
  });
  await assert.rejects(readSecretFile(sealed, ring, 'other'), { code: 'secret_damaged' });
  await assert.rejects(readSecretFile(join(folder, 'none'), ring), {
    code: 'secret_file_unreadable',
    message: /none: ENOENT/,
  });
});

test('a file that is too large is not read to its end', { timeout: 30_000 }, async () => {
  await assert.rejects(readSecretFile('/dev/zero', ring), {
    code: 'secret_file_unreadable',
    message: '/dev/zero is too large for a secret: more than 1048576 bytes',
  });
});
