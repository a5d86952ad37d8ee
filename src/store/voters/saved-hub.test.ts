import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type NatsConnection, RequestError } from '@nats-io/transport-node';
import { restoreHub, saveHub } from './saved-hub.ts';

const folder = mkdtempSync(join(tmpdir(), 'meridian-saved-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Whoever is refused here is refused before the hub is asked for anything. */
const nobody = async () => ({}) as NatsConnection;
const head = { name: 'KV_a', config: { num_replicas: 1 }, state: { messages: 1, last_seq: 1 } };

test('what was not saved to its end, or is nothing of ours, is not restored', async () => {
  const restore = () => restoreHub(nobody, folder, { replicas: 3 });
  await assert.rejects(restore(), { code: 'save_failed', message: /holds no saved bucket$/ });
  writeFileSync(join(folder, 'KV_a.stream'), 'x');
  await assert.rejects(restore(), { code: 'save_failed', message: /not saved to its end$/ });
  for (const text of ['', '{}', JSON.stringify({ ...head, name: '../KV_a' })]) {
    writeFileSync(join(folder, 'KV_a.json'), text);
    await assert.rejects(restore(), { code: 'save_failed', message: /cannot be read/ });
  }
  await assert.rejects(restoreHub(nobody, join(folder, 'none'), { replicas: 3 }), {
    code: 'save_failed',
  });
});

test('a folder with something in it is not written to', async () => {
  await assert.rejects(
    saveHub(nobody, folder, () => undefined),
    {
      code: 'save_failed',
      message: /is not empty$/,
    },
  );
});

/** A hub with a bucket of other content; of what it is asked to change it keeps the words. */
function hubWithOther(asked: string[]): NatsConnection {
  const answers: Record<string, object> = {
    '$JS.API.STREAM.NAMES': { streams: ['KV_a'], total: 1 },
    '$JS.API.STREAM.INFO.KV_a': { state: { messages: 9, last_seq: 9 } },
  };
  const request = async (subject: string) => {
    const answer = answers[subject];
    if (!answer) asked.push(subject);
    return { json: () => answer ?? { error: { err_code: 10_023, description: 'no room' } } };
  };
  return { request, isClosed: () => false } as unknown as NatsConnection;
}

test('a save is read to its end, and is what was written, before anything is removed', async () => {
  const content = Buffer.alloc(300_000, 'content');
  const stream = join(folder, 'KV_a.stream');
  const proof = { bytes: content.length, sha256: hash('sha256', content) };
  const asked: string[] = [];
  const restore = (name = 'content') => {
    writeFileSync(join(folder, 'KV_a.json'), JSON.stringify({ ...head, [name]: proof }));
    return restoreHub(async () => hubWithOther(asked), folder, { replicas: 1, force: true });
  };
  const flipped = Buffer.from(content);
  flipped[299_999]! ^= 1;
  const damages = [
    [content.subarray(0, 131_072), /KV_a\.stream is damaged: 131072 bytes of 300000 saved$/],
    [Buffer.concat([content, Buffer.from('x')]), /300001 bytes of 300000 saved$/],
    [flipped, /other content than was saved$/],
  ] as const;
  for (const [damaged, message] of damages) {
    writeFileSync(stream, damaged);
    await assert.rejects(restore(), { code: 'save_failed', message });
  }
  rmSync(stream);
  await assert.rejects(restore(), { code: 'save_failed', message: /KV_a\.stream cannot be read/ });
  writeFileSync(stream, content);
  await assert.rejects(restore('unknown'), {
    code: 'save_failed',
    message: /^nothing was removed: a was saved by an earlier version/,
  });
  assert.deepEqual(asked, []);
  // Whole, it is what the bucket gives way to.
  await assert.rejects(restore(), { code: 'snapshot_failed', message: 'a: no room' });
  assert.deepEqual(asked, ['$JS.API.STREAM.DELETE.KV_a']);
});

/** What the client says of a connection whose server has ended since it was made. */
const closed = async () => {
  throw new RequestError('connection closed');
};
const lost = { request: closed, isClosed: () => true } as unknown as NatsConnection;

/** Over these, one after the other. */
function operatorOf(...connections: NatsConnection[]) {
  return async () => connections.shift() ?? assert.fail('one connection too many');
}

function folderWith(name: string): string {
  const made = mkdtempSync(join(folder, 'lost-'));
  const content = Buffer.from('content');
  const proof = { bytes: content.length, sha256: hash('sha256', content) };
  writeFileSync(join(made, `${name}.stream`), content);
  writeFileSync(join(made, `${name}.json`), JSON.stringify({ ...head, content: proof }));
  return made;
}

test('a connection of before is none: another is taken for what may be asked twice', async () => {
  const saved = folderWith('KV_a');
  const asked: string[] = [];
  await assert.rejects(
    restoreHub(operatorOf(lost, hubWithOther(asked), lost, hubWithOther(asked)), saved, {
      replicas: 1,
    }),
    { code: 'bucket_exists' },
  );
  assert.deepEqual(asked, []);
  await assert.rejects(restoreHub(operatorOf(lost, lost, lost), saved, { replicas: 1 }), {
    code: 'store_unreachable',
    message: /^names of buckets: the connection to the hub was lost/,
  });
});

test('a removal whose connection is lost is not done again, and the error says so', async () => {
  const asked: string[] = [];
  const other = () => hubWithOther(asked);
  await assert.rejects(
    restoreHub(operatorOf(other(), other(), lost), folderWith('KV_a'), {
      replicas: 1,
      force: true,
    }),
    { code: 'store_unreachable', message: /^a: .*lost.*may have been done/ },
  );
});

/** A hub with an empty bucket, which says `text` for its content; with none it is lost after a part. */
function hubToSave(text: string | undefined): NatsConnection {
  const state = { messages: 0, last_seq: 0 };
  const answers: Record<string, object> = {
    NAMES: { streams: ['KV_a'], total: 1 },
    INFO: { state },
    CREATE: { num_pending: 0 },
    SNAPSHOT: { config: { num_replicas: 1 }, state },
  };
  const end = Promise.withResolvers<void>();
  let isClosed = false;
  let tell: (error: null, message: object) => void = () => undefined;
  const part = (of: string) => tell(null, { data: Buffer.from(of), respond: () => undefined });
  return {
    isClosed: () => isClosed,
    publish: () => undefined,
    subscribe: (_: string, { callback }: { callback: typeof tell }) => {
      tell = callback;
      return { unsubscribe: () => undefined, closed: end.promise };
    },
    request: async (subject: string) => {
      if (subject.includes('.SNAPSHOT.')) {
        part(text ?? 'a part of what was lost');
        if (text === undefined) {
          isClosed = true;
          end.resolve();
        } else part('');
      }
      return { json: () => answers[subject.split('.')[3]!] };
    },
  } as unknown as NatsConnection;
}

test('a bucket whose connection is lost while it is saved is saved anew over another', async () => {
  const saved = join(folder, 'saved-anew');
  await saveHub(
    operatorOf(hubToSave(''), hubToSave(undefined), hubToSave('whole')),
    saved,
    () => 1,
  );
  assert.equal(readFileSync(join(saved, 'KV_a.stream'), 'utf8'), 'whole');
  assert.match(readFileSync(join(saved, 'KV_a.json'), 'utf8'), /"bytes":5/);
  await assert.rejects(
    saveHub(operatorOf(lost, lost, lost), join(folder, 'not-saved'), () => 1),
    { code: 'store_unreachable', message: /^names of buckets: / },
  );
});
