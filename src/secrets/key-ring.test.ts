import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { temporaryDirectory } from '../../test/support/temporary-directory.ts';
import { MeridianError } from '../base/errors.ts';
import { KeyRing, loadKeyRing } from './key-ring.ts';

const folder = await temporaryDirectory('key-ring');
const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];

/** The error of parsing `text`; asserts that it quotes no word of it but ids. */
function refusal(text: string): string {
  try {
    KeyRing.parse(text, 'the place');
  } catch (error) {
    assert.ok(error instanceof MeridianError);
    assert.equal(error.code, 'secret_key_invalid');
    return error.message;
  }
  return assert.fail('it was accepted');
}

describe('the text of a key ring', () => {
  test('the first key seals, comments and empty lines do not count', () => {
    const ring = KeyRing.parse(`# made today\r\n\n  new\t${one}\r\n#old:\nold ${two}`, 'x');
    assert.equal(ring.currentId, 'new');
    assert.deepEqual(ring.ids, ['new', 'old']);
  });

  test('a key without an id has one made of its hash, the same every time', () => {
    const ring = KeyRing.parse(`${one}\n`, 'x');
    assert.match(ring.currentId, /^[0-9a-f]{8}$/);
    assert.equal(KeyRing.parse(`\n${one}`, 'y').currentId, ring.currentId);
    assert.notEqual(KeyRing.parse(two, 'x').currentId, ring.currentId);
    assert.deepEqual(KeyRing.parse(`new ${two}\n${one}`, 'x').ids, ['new', ring.currentId]);
  });

  test('a generated ring is one that parses, and never the same', () => {
    const texts = [KeyRing.generate(), KeyRing.generate()];
    assert.notEqual(texts[0], texts[1]);
    for (const text of texts) {
      assert.equal(KeyRing.parse(text, 'x').currentId, text.split(' ')[0]);
    }
  });

  test('what is malformed is refused with place and line', () => {
    assert.match(refusal(''), /^the place holds no key; `meridian secret keygen` makes one$/);
    assert.match(refusal(`a ${one}\nb ${two} c`), /^the place, line 2: expected `ID BASE64`/);
    assert.match(refusal(`-a ${one}`), /line 1: expected an id of 1 to 32 of/);
    assert.match(refusal(`${'a'.repeat(33)} ${one}`), /expected an id/);
    assert.match(refusal(`a ${one.slice(0, -1)}`), /expected 32 random bytes in base64/);
    assert.match(refusal(`a ${randomBytes(31).toString('base64')}`), /expected 32 random bytes/);
    assert.match(refusal(`a ${randomBytes(32).toString('hex')}`), /expected 32 random bytes/);
    assert.match(refusal(`a ${one}\na ${two}`), /line 2: the id "a" is there twice/);
    assert.match(refusal(`a ${one}\nb ${one}`), /line 2: "b" is the same key as "a"/);
    assert.match(refusal(`a ${Buffer.alloc(32, 7).toString('base64')}`), /is not random/);
  });

  test('no error holds a piece of what was refused', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9+/=]{12,60}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 2, maxLength: 4 }), (words) => {
        // Among so many texts there may be a key.
        fc.pre(Buffer.from(words[1]!, 'base64').length !== 32);
        const message = refusal(words.join(' '));
        for (const each of words) assert.ok(!message.includes(each));
      }),
    );
  });
});

test('no way of showing a ring shows a key', () => {
  const ring = KeyRing.parse(`new ${one}\nold ${two}`, 'x');
  const shown = [
    inspect(ring),
    inspect({ deep: [ring] }, { depth: 9, showHidden: true, customInspect: false, getters: true }),
    JSON.stringify({ ring }),
    String(ring),
    inspect(structuredClone(ring.toJSON())),
    inspect(Object.getOwnPropertyDescriptors(ring)),
  ].join('\n');
  assert.match(shown, /KeyRing \{ new, old \}/);
  assert.match(shown, /"ids":\["new","old"\]/);
  for (const key of [one, two]) {
    const bytes = Buffer.from(key, 'base64');
    assert.ok(!shown.includes(key));
    assert.ok(!shown.includes(bytes.toString('hex').slice(0, 16)));
    assert.ok(!shown.includes([...bytes.subarray(0, 4)].join(', ')));
  }
});

describe('where the key ring comes from', () => {
  const file = (name: string, mode: number, content = `a ${one}\n`) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    chmodSync(path, mode);
    return path;
  };
  const refused = (source: { path?: string; text?: string }, code: string, message: RegExp) =>
    assert.throws(() => loadKeyRing(source), { code, message });

  test('a file, the text, or neither', () => {
    assert.deepEqual(loadKeyRing({ path: file('good', 0o400) })?.ids, ['a']);
    assert.deepEqual(loadKeyRing({ path: undefined, text: `b ${two}` })?.ids, ['b']);
    assert.equal(loadKeyRing({}), undefined);
  });

  test('both, and what is set to nothing, are errors', () => {
    const path = file('both', 0o600);
    refused({ path, text: one }, 'secret_key_invalid', /_FILE or MERIDIAN_SECRET_KEY, not both/);
    refused({ path: '' }, 'secret_key_invalid', /MERIDIAN_SECRET_KEY_FILE is set to nothing/);
    refused({ text: '' }, 'secret_key_invalid', /^MERIDIAN_SECRET_KEY holds no key/);
  });

  test('a file that others may read, or that is none, is refused and named', () => {
    for (const mode of [0o640, 0o604, 0o620, 0o601, 0o644]) {
      const path = file(`mode-${mode}`, mode);
      const shown = new RegExp(`^cannot use ${path} .*its mode 0${mode.toString(8)} lets others`);
      refused({ path }, 'secret_key_unreadable', shown);
    }
    refused({ path: join(folder, 'none') }, 'secret_key_unreadable', /ENOENT/);
    refused({ path: folder }, 'secret_key_unreadable', /not a regular file/);
    refused({ path: '/dev/zero' }, 'secret_key_unreadable', /not a regular file/);
    const large = file('large', 0o600, '#'.repeat(64 * 1024 + 1));
    refused({ path: large }, 'secret_key_unreadable', /more than 65536 bytes/);
  });

  test('a pipe that nobody writes to is refused at once', () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', path]);
    refused({ path }, 'secret_key_unreadable', /not a regular file/);
  });

  const notRoot = process.getuid?.() === 0 ? false : 'only root can give a file to somebody else';
  test('a file of another user may be readable by its group only', { skip: notRoot }, () => {
    const path = file('handed-over', 0o440);
    chownSync(path, 12_345, 0);
    assert.deepEqual(loadKeyRing({ path })?.ids, ['a']);
    chmodSync(path, 0o444);
    refused({ path }, 'secret_key_unreadable', /its mode 0444 lets others/);
  });
});
