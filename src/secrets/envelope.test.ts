import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { MeridianError } from '../base/errors.ts';
import { type Envelope, openEnvelope, parseEnvelope, rewrap, seal } from './envelope.ts';
import { KeyRing } from './key-ring.ts';

const key = () => randomBytes(32).toString('base64');
const [newKey, oldKey] = [key(), key()];
const oldRing = KeyRing.parse(`old ${oldKey}`, 'ring');
const bothRing = KeyRing.parse(`new ${newKey}\nold ${oldKey}`, 'ring');
const newRing = KeyRing.parse(`new ${newKey}`, 'ring');
const plaintext = Buffer.from('a value');

/** The code of what opening throws. */
function refusal(ring: KeyRing | undefined, envelope: unknown, context = 'thing'): string {
  try {
    openEnvelope(ring, envelope, context);
  } catch (error) {
    assert.ok(error instanceof MeridianError, String(error));
    return error.code;
  }
  return assert.fail(`it was opened: ${JSON.stringify(envelope)}`);
}

/** Every text that differs from `text` in one bit of one character. */
function* flippedTexts(text: string): Generator<string> {
  for (let at = 0; at < text.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const character = String.fromCharCode(text.charCodeAt(at) ^ (1 << bit));
      yield text.slice(0, at) + character + text.slice(at + 1);
    }
  }
}

function* flippedBytes(base64: string): Generator<string> {
  for (let bit = 0; bit < Buffer.byteLength(base64, 'base64') * 8; bit++) {
    const bytes = Buffer.from(base64, 'base64');
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    yield bytes.toString('base64');
  }
}

describe('an envelope', () => {
  test('gives back any value for the same context, and differs each time', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), (value, context) => {
        const [first, second] = [seal(oldRing, value, context), seal(oldRing, value, context)];
        assert.deepEqual(openEnvelope(oldRing, first, context), Buffer.from(value));
        for (const field of ['wrappedKey', 'nonce', 'data'] as const) {
          assert.notEqual(first[field], second[field]);
        }
      }),
    );
  });

  test('survives JSON, and 5 MiB', () => {
    const large = randomBytes(5 * 1024 * 1024);
    const read = JSON.parse(JSON.stringify(seal(oldRing, large, 'snapshot')));
    assert.ok(openEnvelope(oldRing, read, 'snapshot').equals(large));
  });

  test('is refused when any bit of any field is another', () => {
    const envelope = seal(oldRing, plaintext, 'thing');
    let tried = 0;
    for (const field of ['outerKey', 'wrappedKey', 'nonce', 'data'] as const) {
      const texts = [...flippedTexts(envelope[field])];
      if (field !== 'outerKey') texts.push(...flippedBytes(envelope[field]));
      for (const text of texts) {
        const code = refusal(oldRing, { ...envelope, [field]: text });
        assert.match(code, /^secret_(damaged|key_wrong)$/);
        tried++;
      }
    }
    assert.equal(tried, 1_968);
    for (let bit = 0; bit < 31; bit++) {
      assert.equal(refusal(oldRing, { ...envelope, version: 1 ^ (1 << bit) }), 'secret_damaged');
    }
  });

  test('is refused when cut, grown, or mixed with another', () => {
    const envelope = seal(oldRing, plaintext, 'thing');
    const other = seal(oldRing, plaintext, 'thing');
    for (const field of ['wrappedKey', 'nonce', 'data'] as const) {
      const bytes = Buffer.from(envelope[field], 'base64');
      for (const changed of [
        '',
        bytes.subarray(0, -1).toString('base64'),
        Buffer.concat([bytes, Buffer.of(0)]).toString('base64'),
        ` ${envelope[field]}`,
        `${envelope[field]}\n`,
        other[field],
      ]) {
        assert.equal(refusal(oldRing, { ...envelope, [field]: changed }), 'secret_damaged');
      }
    }
  });

  test('opens in its own context only', () => {
    const contexts = ['secret a', 'secret b', 'secret', 'secret a\0', ''];
    for (const context of contexts) {
      const envelope = seal(oldRing, plaintext, context);
      for (const other of contexts.filter((each) => each !== context)) {
        assert.equal(refusal(oldRing, envelope, other), 'secret_damaged');
      }
    }
  });

  test('is bound to its context in both layers', () => {
    const { wrappedKey, ...rest } = seal(oldRing, plaintext, 'a');
    const dataKey = oldRing.unwrap(
      { outerKey: 'old', bytes: Buffer.from(wrappedKey, 'base64') },
      'a',
    );
    const moved = oldRing.wrap(dataKey, 'b').bytes.toString('base64');
    assert.throws(() => openEnvelope(oldRing, { ...rest, wrappedKey: moved }, 'b'), {
      message: 'b is damaged: its content does not open',
    });
  });

  test('whatever else is given is refused, with a code', () => {
    const damaged = (value: unknown) =>
      assert.throws(() => parseEnvelope(value, 'thing'), { code: 'secret_damaged' });
    const envelope = seal(oldRing, plaintext, 'thing');
    for (const value of [
      undefined,
      null,
      [],
      '',
      7,
      {},
      { ...envelope, more: 1 },
      { ...envelope, data: Buffer.from(envelope.data, 'base64') },
      { ...envelope, outerKey: '__proto__' },
      { ...envelope, outerKey: 'a\u0000b' },
      Object.create(envelope),
      JSON.parse('{"__proto__":{"version":1},"outerKey":"a","wrappedKey":"","nonce":"","data":""}'),
    ]) {
      damaged(value);
    }
    fc.assert(fc.property(fc.anything(), damaged));
    const text = fc.oneof(fc.base64String(), fc.constantFrom(...Object.values(envelope)));
    const shape = { version: fc.constant(1), outerKey: text, wrappedKey: text, nonce: text };
    fc.assert(
      fc.property(fc.record({ ...shape, data: text }), (value) => {
        fc.pre(
          (['nonce', 'wrappedKey', 'data', 'outerKey'] as const).some(
            (f) => value[f] !== envelope[f],
          ),
        );
        assert.match(refusal(oldRing, value), /^secret_(damaged|key_wrong)$/);
      }),
    );
  });
});

describe('the outer key', () => {
  test('missing: told which is needed, and how to set it', () => {
    assert.throws(() => openEnvelope(undefined, seal(oldRing, plaintext, 'thing'), 'thing'), {
      code: 'secret_key_missing',
      message:
        'thing is sealed with the outer key "old", and no key is set: set MERIDIAN_SECRET_KEY_FILE or MERIDIAN_SECRET_KEY',
      details: { needed: 'old', present: [] },
    });
  });

  test('wrong: told which is needed and which are there', () => {
    assert.throws(() => openEnvelope(newRing, seal(oldRing, plaintext, 'thing'), 'thing'), {
      code: 'secret_key_wrong',
      message: 'thing is sealed with the outer key "old"; ring holds only "new"',
      details: { needed: 'old', present: ['new'] },
    });
  });

  test('another under the same id is told from damage', () => {
    const impostor = KeyRing.parse(`old ${newKey}`, 'ring');
    assert.throws(() => openEnvelope(impostor, seal(oldRing, plaintext, 'thing'), 'thing'), {
      code: 'secret_key_wrong',
      message: 'thing is sealed with the outer key "old"; ring holds another key under that id',
    });
  });

  test('rotates: the content stays byte for byte, and the old key is needed no more', () => {
    const before = seal(oldRing, plaintext, 'thing');
    const after = rewrap(bothRing, before, 'thing');
    assert.deepEqual([after.nonce, after.data], [before.nonce, before.data]);
    assert.equal(after.outerKey, 'new');
    assert.notEqual(after.wrappedKey, before.wrappedKey);
    assert.deepEqual(openEnvelope(newRing, after, 'thing'), plaintext);
    assert.equal(refusal(oldRing, after), 'secret_key_wrong');
  });

  test('rotates nothing that does not open', () => {
    const before = seal(oldRing, plaintext, 'thing');
    const refused = (ring: KeyRing, envelope: Envelope, context: string, code: string) =>
      assert.throws(() => rewrap(ring, envelope, context), { code });
    refused(newRing, before, 'thing', 'secret_key_wrong');
    refused(bothRing, before, 'other', 'secret_damaged');
    refused(bothRing, { ...before, outerKey: 'new' }, 'thing', 'secret_key_wrong');
  });
});
