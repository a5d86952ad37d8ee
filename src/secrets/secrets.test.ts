import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { ManualClock } from '../base/manual-clock.ts';
import { storeError } from '../store/errors.ts';
import { MemoryStore } from '../store/memory/memory-store.ts';
import type { Bucket, Store } from '../store/store.ts';
import { KeyRing } from './key-ring.ts';
import { maximumSecretBytes } from './sealed-secret.ts';
import { openSecret, parseSecret, Secrets } from './secrets.ts';

const [newLine, oldLine] = [KeyRing.generate(), KeyRing.generate()];
const oldRing = KeyRing.parse(oldLine, 'the ring');
const bothRing = KeyRing.parse(newLine + oldLine, 'the ring');
const newRing = KeyRing.parse(newLine, 'the ring');
const value = Buffer.from('a private key');

function harness(ring: KeyRing | undefined = oldRing) {
  const clock = new ManualClock(Date.UTC(2030, 0, 2));
  const store = new MemoryStore(clock);
  const withRing = (other: KeyRing | undefined) => new Secrets({ store, ring: other, clock });
  return { store, bucket: store.bucket('secrets'), withRing, secrets: withRing(ring) };
}

/** The memory store with some calls on its bucket replaced. */
function storeWith(store: Store, calls: (bucket: Bucket) => Partial<Bucket>): Store {
  const bucket = store.bucket('secrets');
  const replaced: Partial<Bucket> = calls(bucket);
  const proxy = new Proxy(bucket, {
    get: (_, name: keyof Bucket) => {
      const member = replaced[name] ?? bucket[name];
      return typeof member === 'function' ? member.bind(bucket) : member;
    },
  });
  return new Proxy(store, { get: (_, name) => (name === 'bucket' ? () => proxy : undefined) });
}

describe('named secrets', () => {
  test('are sealed in the store and opened by name', async () => {
    const { secrets, bucket } = harness();
    const info = await secrets.set('tls.eu-west-1.key', value);
    const entry = (await bucket.get('tls.eu-west-1.key'))!;
    const expected = {
      name: 'tls.eu-west-1.key',
      version: entry.revision,
      updatedAt: '2030-01-02T00:00:00.000Z',
      outerKey: oldRing.currentId,
      bytes: value.length,
      damaged: undefined,
    };
    assert.deepEqual(info, expected);
    assert.deepEqual(await secrets.list(), [expected]);
    const stored = Buffer.from(entry.value).toString();
    for (const form of ['utf8', 'base64', 'hex'] as const) {
      assert.ok(!stored.includes(value.toString(form)));
    }
    const sealed = (await secrets.sealed(['tls.eu-west-1.key'])).get('tls.eu-west-1.key')!;
    assert.deepEqual(openSecret(oldRing, 'tls.eu-west-1.key', sealed), value);
  });

  test('come back as they went in, whatever their bytes', async () => {
    const { secrets } = harness();
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(bytes, async (random) => {
        await secrets.set('a', random);
        const sealed = (await secrets.sealed(['a'])).get('a')!;
        assert.deepEqual(openSecret(oldRing, 'a', sealed), Buffer.from(random));
        assert.deepEqual(parseSecret('a', JSON.parse(JSON.stringify(sealed))), sealed);
      }),
      { numRuns: 50 },
    );
  });

  test('of the largest size fit, and of one byte more or none do not', async () => {
    const { secrets } = harness();
    const largest = Buffer.alloc(maximumSecretBytes, 1);
    assert.equal((await secrets.set('a', largest)).bytes, maximumSecretBytes);
    assert.equal((await secrets.list())[0]?.bytes, maximumSecretBytes);
    const refused = { code: 'secret_value_invalid' };
    await assert.rejects(secrets.set('a', Buffer.alloc(maximumSecretBytes + 1)), refused);
    await assert.rejects(secrets.set('a', Buffer.alloc(0)), refused);
  });

  test('cannot be passed off for each other', async () => {
    const { secrets, bucket } = harness();
    await secrets.set('a', value);
    await bucket.put('b', (await bucket.get('a'))!.value);
    const sealed = await secrets.sealed(['a', 'b']);
    assert.deepEqual(openSecret(oldRing, 'a', sealed.get('a')!), value);
    assert.throws(() => openSecret(oldRing, 'b', sealed.get('b')!), {
      code: 'secret_damaged',
      message: 'secret b is damaged: its data key does not open',
    });
  });

  test('with a name that none can have are refused before the store is asked', async () => {
    const { secrets } = harness();
    for (const name of ['', 'A', '-a', 'a.', 'a..b', 'a/b', 'a b', 'ä', 'a'.repeat(64), 'a\n']) {
      const refused = { code: 'secret_name_invalid' };
      await assert.rejects(secrets.set(name, value), refused);
      await assert.rejects(secrets.delete(name), refused);
      await assert.rejects(secrets.sealed([name]), refused);
    }
    await secrets.set('a'.repeat(63), value);
  });

  test('that are missing are all named', async () => {
    const { secrets } = harness();
    await secrets.set('there', value);
    await assert.rejects(secrets.sealed(['one', 'there', 'two', 'one']), {
      code: 'secret_unknown',
      message: /^the store has no secret named "one", "two"; /,
      details: { names: ['one', 'two'] },
    });
    await assert.rejects(secrets.delete('one'), { code: 'secret_unknown' });
    await secrets.delete('there');
    assert.deepEqual(await secrets.list(), []);
  });

  test('without an outer key can be listed and deleted, not set nor rotated', async () => {
    const { secrets, withRing } = harness();
    await secrets.set('a', value);
    const keyless = withRing(undefined);
    const missing = { code: 'secret_key_missing', message: /set MERIDIAN_SECRET_KEY_FILE or/ };
    await assert.rejects(keyless.set('a', value), missing);
    await assert.rejects(keyless.rotate(), missing);
    const sealed = (await keyless.sealed(['a'])).get('a')!;
    assert.throws(() => openSecret(undefined, 'a', sealed), missing);
    assert.equal((await keyless.list()).length, 1);
    await keyless.delete('a');
    assert.deepEqual(await keyless.list(), []);
  });
});

describe('two operators', () => {
  test('who expect the same version: one wins, one is told', async () => {
    const { secrets } = harness();
    const { version } = await secrets.set('a', value, 0);
    const outcomes = await Promise.allSettled([
      secrets.set('a', Buffer.from('first'), version),
      secrets.set('a', Buffer.from('second'), version),
      secrets.set('a', Buffer.from('third'), 0),
    ]);
    assert.deepEqual(
      outcomes.map((each) => (each.status === 'rejected' ? each.reason.code : each.status)),
      ['fulfilled', 'secret_conflict', 'secret_conflict'],
    );
    const sealed = (await secrets.sealed(['a'])).get('a')!;
    assert.equal(openSecret(oldRing, 'a', sealed).toString(), 'first');
    await assert.rejects(secrets.set('a', value, version), { code: 'secret_conflict' });
    await assert.rejects(secrets.set('a', value, 0), { code: 'secret_conflict' });
  });

  test('who expect nothing both succeed, one after the other', async () => {
    const { secrets } = harness();
    const infos = await Promise.all(
      ['x', 'y', 'z'].map((text) => secrets.set('a', Buffer.from(text))),
    );
    assert.equal(new Set(infos.map(({ version }) => version)).size, 3);
  });

  test('a set after a delete is a new secret', async () => {
    const { secrets } = harness();
    await secrets.set('a', value);
    await secrets.delete('a');
    await secrets.set('a', value, 0);
    assert.equal((await secrets.list()).length, 1);
  });
});

describe('the rotation of the outer key', () => {
  test('rewraps what needs it, once, and the old key is needed no more', async () => {
    const { secrets, withRing } = harness();
    for (const name of ['a', 'b', 'c']) await secrets.set(name, Buffer.from(`value of ${name}`));
    const before = await secrets.sealed(['a', 'b', 'c']);
    const rotating = withRing(bothRing);
    await rotating.set('b', Buffer.from('value of b'));
    const report = await rotating.rotate();
    assert.deepEqual(report, { rewrapped: ['a', 'c'], already: 1, failed: [] });
    const after = await withRing(newRing).sealed(['a', 'b', 'c']);
    for (const [name, sealed] of after) {
      assert.equal(openSecret(newRing, name, sealed).toString(), `value of ${name}`);
      if (name === 'b') continue;
      assert.equal(sealed.envelope.data, before.get(name)!.envelope.data);
      assert.equal(sealed.updatedAt, before.get(name)!.updatedAt);
    }
    assert.deepEqual(await rotating.rotate(), { rewrapped: [], already: 3, failed: [] });
  });

  test('names what it could not rewrap, and does the rest', async () => {
    const { secrets, bucket, withRing } = harness();
    await secrets.set('good', value);
    const foreign = KeyRing.parse(KeyRing.generate(), 'another ring');
    await withRing(foreign).set('lost', value);
    await bucket.put('broken', Buffer.from('{}'));
    const { rewrapped, failed } = await withRing(bothRing).rotate();
    assert.deepEqual(rewrapped, ['good']);
    assert.deepEqual(
      failed.map(({ name, code }) => [name, code]),
      [
        ['broken', 'secret_damaged'],
        ['lost', 'secret_key_wrong'],
      ],
    );
    assert.match(failed[1]!.reason, new RegExp(`outer key "${foreign.currentId}"; the ring holds`));
  });

  test('does not bring back a value that was replaced meanwhile', async () => {
    const { store, secrets } = harness();
    await secrets.set('a', value);
    let raced = 0;
    const racing = storeWith(store, (bucket) => ({
      async update(name, bytes, revision) {
        if (raced++ === 0) await secrets.set('a', Buffer.from('newer'));
        return await bucket.update(name, bytes, revision);
      },
    }));
    const rotating = new Secrets({ store: racing, ring: bothRing, clock: new ManualClock() });
    assert.deepEqual((await rotating.rotate()).rewrapped, ['a']);
    assert.equal(raced, 2);
    const sealed = (await secrets.sealed(['a'])).get('a')!;
    assert.equal(openSecret(newRing, 'a', sealed).toString(), 'newer');
  });

  test('gives up on a secret that never stands still, and says so', async () => {
    const { store, secrets } = harness();
    await secrets.set('a', value);
    const racing = storeWith(store, (bucket) => ({
      async update(name, bytes, revision) {
        await secrets.set('a', value);
        return await bucket.update(name, bytes, revision);
      },
    }));
    const rotating = new Secrets({ store: racing, ring: bothRing, clock: new ManualClock() });
    const { failed } = await rotating.rotate();
    assert.deepEqual(
      failed.map(({ code }) => code),
      ['secret_conflict'],
    );
  });
});

describe('values of the store that nobody of ours wrote', () => {
  test('are damaged, named, and do not hide the others', async () => {
    const { secrets, bucket } = harness();
    await secrets.set('good', value);
    const good = JSON.parse(Buffer.from((await bucket.get('good'))!.value).toString());
    const hostile: Uint8Array[] = [
      Buffer.of(),
      Buffer.of(0xff, 0xfe),
      Buffer.from('null'),
      Buffer.from('[1]'),
      Buffer.from(`${'['.repeat(60_000)}`),
      Buffer.from(JSON.stringify({ ...good, version: 2 })),
      Buffer.from(JSON.stringify({ ...good, updatedAt: 'planted\u001b[31m' })),
      Buffer.from(JSON.stringify({ ...good, more: 'planted' })),
      Buffer.from(
        JSON.stringify({ ...good, envelope: { ...good.envelope, outerKey: 'pl anted' } }),
      ),
      Buffer.from(JSON.stringify({ ...good, envelope: undefined })),
      Buffer.from(JSON.stringify(good) + ' '.repeat(2 * maximumSecretBytes)),
      Buffer.from(
        JSON.stringify({
          ...good,
          envelope: {
            ...good.envelope,
            data: Buffer.alloc(maximumSecretBytes + 17).toString('base64'),
          },
        }),
      ),
    ];
    for (const bytes of hostile) {
      await bucket.put('bad', bytes);
      await assert.rejects(secrets.sealed(['bad']), {
        code: 'secret_damaged',
        message: /^secret bad is damaged: it is no (sealed secret|envelope)$/,
      });
      const [bad, other] = await secrets.list();
      assert.match(bad?.damaged ?? '', /^secret bad is damaged/);
      assert.deepEqual([bad?.bytes, bad?.outerKey, other?.name], [undefined, undefined, 'good']);
    }
    await secrets.set('bad', value);
    assert.equal((await secrets.list())[0]?.damaged, undefined);
  });

  test('are refused under a name that none can have', async () => {
    const { secrets } = harness();
    await secrets.set('a', value);
    const sealed = (await secrets.sealed(['a'])).get('a');
    assert.throws(() => parseSecret('../\u001b', sealed), { code: 'secret_name_invalid' });
  });

  test('of any bytes are refused with a code', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        async (bytes) => {
          const { secrets, bucket } = harness();
          await bucket.put('bad', bytes);
          await assert.rejects(secrets.sealed(['bad']), { code: 'secret_damaged' });
        },
      ),
    );
  });

  test('under keys that are no names are passed over', async () => {
    const { secrets, bucket } = harness();
    await bucket.put('NO/NAME', Buffer.from('x'));
    assert.deepEqual(await secrets.list(), []);
    assert.deepEqual(await secrets.rotate(), { rewrapped: [], already: 0, failed: [] });
  });
});

describe('a replica that is behind', () => {
  test('is helped out by the leader', async () => {
    const { store, secrets } = harness();
    await secrets.set('new', value);
    const behind = storeWith(store, (bucket) => ({
      get: async (key, options) => (options?.from === 'leader' ? bucket.get(key) : undefined),
    }));
    const far = new Secrets({ store: behind, ring: oldRing, clock: new ManualClock() });
    assert.deepEqual(openSecret(oldRing, 'new', (await far.sealed(['new'])).get('new')!), value);
  });

  test('knows nothing of what it lacks while the leader is out of reach', async () => {
    const { store } = harness();
    const behind = storeWith(store, () => ({
      get: async (_, options) => {
        if (options?.from === 'leader') throw storeError('store_unreachable', 'nobody there');
        return undefined;
      },
    }));
    const far = new Secrets({ store: behind, ring: oldRing, clock: new ManualClock() });
    await assert.rejects(far.sealed(['new']), { code: 'store_unreachable' });
  });
});

test('a watch tells what is there, then what changes, until it is closed', async () => {
  const { store, secrets, bucket } = harness();
  await secrets.set('a', value);
  await secrets.set('b', value);
  const told: string[] = [];
  const watch = secrets.watch((name) => told.push(name));
  const settled = async () => {
    await turn();
    return told.splice(0);
  };
  assert.deepEqual(await settled(), ['a', 'b']);
  await secrets.set('b', value);
  await bucket.put('NO/NAME', value);
  assert.deepEqual(await settled(), ['b']);
  await secrets.delete('a');
  assert.deepEqual(await settled(), ['a']);
  watch.close();
  await secrets.set('c', value);
  assert.deepEqual(await settled(), []);
  await store.close();
});
